"""0010 pre: keys of payout accounts."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from plain_sql import run_file

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    run_file("0010_pre_payout_account_keys.sql")
