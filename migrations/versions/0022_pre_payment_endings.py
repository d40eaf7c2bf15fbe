"""0022 pre: two people end a payment."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from plain_sql import run_file

revision = "0022"
down_revision = "0026"


def upgrade() -> None:
    run_file("0022_pre_payment_endings.sql")
