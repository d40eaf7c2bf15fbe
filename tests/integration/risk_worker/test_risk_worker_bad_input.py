"""Facts that no model can score, models that nobody knows: a referral with that reason, never an approval."""

import json
import uuid

import pytest

from fundline.platform.database import Database
from fundline.services.risk_worker.model_client import ModelAway
from support.scoring import CHALLENGER, CHAMPION, Bench
from support.stored import scoring_requested, submitted_application

pytestmark = pytest.mark.integration


async def scored(database: Database, bench: Bench, application_id: uuid.UUID) -> tuple[str, set[str], dict]:
    """Status, codes of the reasons, and the evidence."""
    await bench.handlers().scoring_requested(scoring_requested(application_id))
    (row,) = await database.fetch(
        "select a.status, r.principal_reasons::text reasons, r.evidence::text evidence from applications a"
        " join risk_assessments r using (application_id) where application_id = $1",
        application_id,
    )
    codes = {reason["code"] for reason in json.loads(row["reasons"])}
    return row["status"], codes, json.loads(row["evidence"])


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        ("{employees}", "1e12", "input_out_of_range"),
        ("{naics}", '"990000"', "sector_unknown"),
        ("{state}", '"ZZ"', "state_unknown"),
        ("{age}", '"unheard of"', "business_age_unknown"),
        ("{legalForm}", '"guild"', "legal_form_unknown"),
    ],
)
async def test_a_business_that_cannot_be_is_referred_with_that_reason(
    database, box, bench, owner, path, value, code
):
    """The API refuses these; a later release, a correction by hand or another writer may not have."""
    application_id = await submitted_application(database, box)
    await owner.execute(
        "update applications set business = jsonb_set(business, $2::text::text[], $3::text::jsonb)"
        " where application_id = $1",
        application_id,
        path,
        value,
    )
    status, codes, _ = await scored(database, bench, application_id)
    assert (status, code in codes) == ("pending_review", True)


async def test_a_sector_without_a_volatility_is_referred_because_nothing_could_be_simulated(
    engines, database_url, database, box, bench
):
    application_id = await submitted_application(database, box)
    name = database_url.rsplit("/", 1)[1]
    engines.stack.postgres.run_sql("update reference_sectors set revenue_volatility = null;", database=name)
    status, codes, evidence = await scored(database, bench, application_id)
    assert (status, evidence["stress"]) == ("pending_review", None)
    assert codes


async def test_a_version_that_is_not_loaded_is_a_referral_and_says_which(database, box, bench):
    def unknown(version: str) -> None:
        raise ModelAway(
            f"the model service refused to score with {version} (404): This version is not loaded."
        )

    application_id = await submitted_application(database, box)
    bench.chooser.version, bench.scorer.trouble = "cake-1", unknown
    status, codes, evidence = await scored(database, bench, application_id)
    assert (status, codes) == ("pending_review", {"model_unavailable"})
    assert "cake-1" in json.dumps(evidence)


async def test_a_shadow_that_nobody_knows_costs_nothing(database, box, bench):
    def only_known(version: str) -> None:
        if version not in {CHAMPION, CHALLENGER}:
            raise ModelAway(f"{version} is not loaded")

    application_id = await submitted_application(database, box)
    bench.chooser.shadow, bench.scorer.trouble = "cake-1", only_known
    status, _, _ = await scored(database, bench, application_id)
    assert status == "approved"
