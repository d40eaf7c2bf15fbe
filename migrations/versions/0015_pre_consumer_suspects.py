"""0015 pre: what consumers had in hand when they died."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from plain_sql import run_file

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    run_file("0015_pre_consumer_suspects.sql")
