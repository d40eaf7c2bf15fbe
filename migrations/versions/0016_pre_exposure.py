"""0016 pre: exposure, and how many applications a subject may submit."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from plain_sql import run_file

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    run_file("0016_pre_exposure.sql")
