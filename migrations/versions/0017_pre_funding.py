"""0017 pre: what lenders have committed, and how much is drawn."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from plain_sql import run_file

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    run_file("0017_pre_funding.sql")
