"""0001 pre: applications, events, assessments, disbursements, the ledger, reference data."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from plain_sql import run_file

revision = "0001"
down_revision = None


def upgrade() -> None:
    run_file("0001_pre_walking_platform.sql")
