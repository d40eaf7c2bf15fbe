"""0024 post: another account after a failed payout."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from plain_sql import run_file

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    run_file("0024_post_second_account.sql")
