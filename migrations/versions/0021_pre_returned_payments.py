"""0021 pre: payments that come back after they were settled."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from plain_sql import run_file

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    run_file("0021_pre_returned_payments.sql")
