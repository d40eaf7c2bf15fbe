"""0023 pre: another account after a failed payout."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from plain_sql import run_file

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    run_file("0023_pre_second_account.sql")
