"""0013 pre: the place where reading a statement goes on."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from plain_sql import run_file

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    run_file("0013_pre_statement_place.sql")
