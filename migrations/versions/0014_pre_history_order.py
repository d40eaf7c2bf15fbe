"""0014 pre: the order of a history."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from plain_sql import run_file

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    run_file("0014_pre_history_order.sql")
