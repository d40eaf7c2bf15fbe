"""0007 pre: cases."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from plain_sql import run_file

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    run_file("0007_pre_cases.sql")
