"""0004 pre: the audit trail."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from plain_sql import run_file

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    run_file("0004_pre_audit_trail.sql")
