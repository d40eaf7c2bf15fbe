"""0003 pre: revolving credit, scoring lanes, experiments on models, volatility of sectors."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from plain_sql import fill_reference_column, run_file

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    run_file("0003_pre_risk_scoring.sql")
    fill_reference_column("reference_sectors", "sector_code", "revenue_volatility", "sector_volatility.csv")
