"""0002 pre: reference data (sectors and states with their historical default rates)."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from plain_sql import copy_reference

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    copy_reference("reference_sectors", ["sector_code", "name", "default_rate"], "sectors.csv")
    copy_reference("reference_states", ["state_code", "name", "default_rate"], "states.csv")
