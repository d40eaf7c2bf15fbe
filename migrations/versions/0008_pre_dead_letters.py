"""0008 pre: dead letters."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from plain_sql import run_file

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    run_file("0008_pre_dead_letters.sql")
