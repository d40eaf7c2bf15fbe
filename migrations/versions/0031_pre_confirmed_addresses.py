"""0031 pre: addresses are confirmed before anything else is sent to them."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from plain_sql import run_file

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    run_file("0031_pre_confirmed_addresses.sql")
