"""0020 pre: notes on cases."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from plain_sql import run_file

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    run_file("0020_pre_case_notes.sql")
