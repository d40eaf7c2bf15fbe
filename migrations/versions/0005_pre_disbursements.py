"""0005 pre: disbursements."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from plain_sql import run_file

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    run_file("0005_pre_disbursements.sql")
