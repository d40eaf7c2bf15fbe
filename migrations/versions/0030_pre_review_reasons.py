"""0030 pre: what the applicant reads of an underwriter's decision."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from plain_sql import run_file

revision = "0030"
down_revision = "0024"


def upgrade() -> None:
    run_file("0030_pre_review_reasons.sql")
