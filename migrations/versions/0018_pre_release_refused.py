"""0018 pre: the release of a payment may be refused."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from plain_sql import run_file

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    run_file("0018_pre_release_refused.sql")
