"""0011 pre: reconciliation."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from plain_sql import run_file

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    run_file("0011_pre_reconciliation.sql")
