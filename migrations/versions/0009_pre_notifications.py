"""0009 pre: notifications."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from plain_sql import run_file

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    run_file("0009_pre_notifications.sql")
