"""0012 pre: dead letters resolve."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from plain_sql import run_file

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    run_file("0012_pre_letters_resolve.sql")
