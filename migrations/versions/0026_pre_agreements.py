"""0026 pre: what two people agree to."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from plain_sql import run_file

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    run_file("0026_pre_agreements.sql")
