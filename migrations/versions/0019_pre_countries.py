"""0019 pre: countries and their regions."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from plain_sql import copy_reference, run_file

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    run_file("0019_pre_countries.sql")
    copy_reference("reference_countries", ["country_code", "name", "region_required"], "countries.csv")
    copy_reference("reference_regions", ["country_code", "region_code", "name"], "regions.csv")
