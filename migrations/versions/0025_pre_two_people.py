"""0025 pre: four eyes compare people, not spellings."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from plain_sql import run_file

revision = "0025"
down_revision = "0021"


def upgrade() -> None:
    run_file("0025_pre_two_people.sql")
