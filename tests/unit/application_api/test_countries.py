"""A business is in a country, and where its country needs one in a region: every country there is, walked whole.

EUR and GBP were offered, and `business.state` had to be a state of the US.
"""

import csv
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pycountry
import pytest
from pydantic import ValidationError

from fundline.platform.database import Database
from fundline.records.application_record import Business, facts_of
from fundline.services.application_api.answers import ReferenceRow
from fundline.services.application_api.reference import ReferenceData
from support.applications import an_application
from support.stored_record import a_record

REFERENCE = Path(__file__).parents[3] / "migrations" / "reference"


def rows(name: str) -> Iterator[dict[str, str]]:
    with (REFERENCE / name).open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


COUNTRIES = {row["country_code"]: row for row in rows("countries.csv")}
REGIONS = defaultdict(list)
for row in rows("regions.csv"):
    REGIONS[row["country_code"]].append(row["region_code"])
REQUIRED = {"AU", "BR", "CA", "IN", "MX", "US"}


@pytest.fixture(scope="module")
def reference() -> ReferenceData:
    made = ReferenceData(cast("Database", None))
    made.sectors = {row["sector_code"]: row["name"] for row in rows("sectors.csv")}
    made.states = {row["state_code"]: row["name"] for row in rows("states.csv")}
    made.countries = {
        code: ReferenceRow(code=code, name=row["name"], region_required=row["region_required"] == "true")
        for code, row in COUNTRIES.items()
    }
    for country, regions in REGIONS.items():
        made.regions |= {
            f"{country}-{one}": ReferenceRow(code=f"{country}-{one}", name=one) for one in regions
        }
    return made


def wrong(reference: ReferenceData, **changes: Any) -> list[str]:
    request = an_application(**{f"business.{name}": value for name, value in changes.items()})
    return [error.path for error in reference.unknown_values(request)]


def test_the_reference_data_are_those_of_the_library():
    assert COUNTRIES.keys() == {country.alpha_2 for country in pycountry.countries}
    assert {f"{country}-{one}" for country, regions in REGIONS.items() for one in regions} == {
        region.code for region in pycountry.subdivisions
    }
    assert {code for code, row in COUNTRIES.items() if row["region_required"] == "true"} == REQUIRED


@pytest.mark.parametrize("country", COUNTRIES)
def test_each_country_takes_its_own_regions_and_no_others(country, reference):
    assert wrong(reference, country=country, state=None) == (
        ["business.state"] if country in REQUIRED else []
    )
    assert wrong(reference, country=country, state="ZZZ") == ["business.state"]
    known = [one for one in REGIONS[country] if country != "US" or one in reference.states]
    assert [one for one in known if wrong(reference, country=country, state=one)] == []


def test_what_says_no_country_is_in_the_us(reference):
    assert an_application().business.country == "US"
    assert wrong(reference, state="OR") == []
    assert wrong(reference, state=None) == ["business.state"]
    assert wrong(reference, state="ON") == ["business.state"]


@pytest.mark.parametrize("country", ["XX", "EU", "UK"])
def test_a_code_that_is_no_country_is_refused(country, reference):
    assert wrong(reference, country=country) == ["business.country"]


@pytest.mark.parametrize("country", ["us", "USA", "U1", ""])
def test_a_country_is_two_capitals(country):
    with pytest.raises(ValidationError):
        an_application(**{"business.country": country})


def test_a_region_elsewhere_is_never_taken_for_a_state_of_the_us():
    """Western Australia is not Washington: the model knows states of the US."""

    def state_of(**changes: str | None) -> str:
        business = a_record().business.model_copy(update=changes)
        row = a_record(business=business).row() | {"revenue_volatility": None, "state_known": False}
        return facts_of(row).state

    assert state_of(country="US", state="WA") == "WA"
    assert state_of(country="AU", state="WA") == "AU-WA"
    assert state_of(country="DE", state=None) == "DE-"


def test_an_application_from_before_there_were_countries_is_in_the_us():
    stored = a_record().business.model_dump(by_alias=True)
    del stored["country"]
    assert Business.model_validate(stored).country == "US"
