"""0006 pre: the ledger."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from plain_sql import run_file

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    run_file("0006_pre_ledger.sql")
