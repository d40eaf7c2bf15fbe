import asyncio
import json
import uuid
from datetime import UTC, datetime

import pytest

from fundline.contracts.payloads import ApplicationCreated, RiskScoringCompleted, RiskScoringRequested
from fundline.contracts.topics import APPLICATIONS_CREATED, RISK_SCORING_COMPLETED, RISK_SCORING_REQUESTED
from fundline.platform.database import Database
from fundline.platform.kafka.messages import Poison
from fundline.services.application_api.handlers import ScoringCompleted
from fundline.services.risk_worker.handlers import Handlers
from support.delivering import delivered, delivered_together
from support.stored import event_of, submitted_application

pytestmark = pytest.mark.integration
NOW = datetime.now(UTC)


@pytest.fixture
def handlers(bench) -> Handlers:
    return bench.handlers()


def created(application_id: uuid.UUID):
    payload = ApplicationCreated(
        application_id=application_id, user_id="alice", amount="50000.00", currency="USD", timestamp=NOW
    )
    return event_of(APPLICATIONS_CREATED, payload, application_id)


def requested(application_id: uuid.UUID):
    payload = RiskScoringRequested(
        application_id=application_id, amount="50000.00", currency="USD", timestamp=NOW
    )
    return event_of(RISK_SCORING_REQUESTED, payload, application_id)


async def story(database: Database, application_id: uuid.UUID) -> list[tuple[int, str]]:
    rows = await database.fetch(
        "select sequence, status from application_status_history where application_id = $1 order by sequence",
        application_id,
    )
    return [(row["sequence"], row["status"]) for row in rows]


async def count(database: Database, table: str) -> int:
    return (await database.fetchrow(f"select count(*) as n from {table}"))["n"]  # noqa: S608 - names of ours


async def test_an_application_is_scored_decided_and_announced_in_one_transaction(database, box, handlers):
    application_id = await submitted_application(database, box)
    await handlers.scoring_requested(requested(application_id))
    assert await story(database, application_id) == [(1, "processing"), (2, "risk_scoring"), (3, "approved")]
    row = await database.fetchrow("select payload from outbox where topic = 'risk.scoring.completed'")
    payload = json.loads(row["payload"])
    assert payload["applicationId"] == str(application_id)
    assert payload["status"] == "approved"
    assert 0 <= float(payload["riskScore"]) <= 1
    assert payload["modelVersion"] == "scorecard-2"
    assert payload["assessment"] == 1
    evidence = json.loads((await database.fetchrow("select evidence::text e from risk_assessments"))["e"])
    assert evidence["facts"]["annual_revenue"] == "640000.00"
    assert evidence["score"]["contributions"]
    assert evidence["stress"]["seed"]
    assert evidence["rules"]


@pytest.mark.parametrize("order", ["created first", "requested first", "together"])
async def test_two_topics_reach_the_worker_and_the_application_is_scored_once(database, box, handlers, order):
    application_id = await submitted_application(database, box)
    one, two = (
        delivered(handlers.application_created, created(application_id)),
        delivered(handlers.scoring_requested, requested(application_id)),
    )
    if order == "together":
        await asyncio.gather(one, two)
    else:
        for door in (one, two) if order == "created first" else (two, one):
            await door
    assert await story(database, application_id) == [(1, "processing"), (2, "risk_scoring"), (3, "approved")]
    assert await count(database, "risk_assessments") == 1


async def test_created_alone_never_scores(database, box, handlers):
    application_id = await submitted_application(database, box)
    await handlers.application_created(created(application_id))
    assert await story(database, application_id) == [(1, "processing"), (2, "risk_scoring")]
    assert await count(database, "risk_assessments") == 0


async def test_the_same_event_delivered_three_times_scores_once(database, box, handlers):
    application_id = await submitted_application(database, box)
    event = requested(application_id)
    await delivered_together(handlers.scoring_requested, event, event, event)
    await handlers.scoring_requested(event)
    assert await count(database, "risk_assessments") == 1
    assert len(await story(database, application_id)) == 3


async def test_missing_figures_refer_to_a_person_with_that_reason(database, box, handlers):
    application_id = await submitted_application(database, box, **{"figures.annualRevenue": None})
    await handlers.scoring_requested(requested(application_id))
    assert (await story(database, application_id))[-1] == (3, "pending_review")
    row = await database.fetchrow("select payload from outbox where topic = 'risk.scoring.completed'")
    assert json.loads(row["payload"])["principalReasons"]


async def test_a_business_that_cannot_pay_is_rejected_with_reasons_that_the_applicant_sees(
    database, box, handlers
):
    application_id = await submitted_application(database, box, **{"figures.operatingMargin": "-0.2000"})
    await handlers.scoring_requested(requested(application_id))
    assert (await story(database, application_id))[-1] == (3, "rejected")
    row = await database.fetchrow(
        "select metadata::text m from application_status_history where sequence = 3"
    )
    reasons = json.loads(row["m"])["principalReasons"]
    assert 1 <= len(reasons) <= 4
    assert all(reason["code"] and reason["sentence"] for reason in reasons)


async def test_an_event_about_an_unknown_application_is_poison(handlers):
    with pytest.raises(Poison, match="no application has the id"):
        await handlers.scoring_requested(requested(uuid.uuid4()))


async def completed(database: Database, application_id: uuid.UUID):
    row = await database.fetchrow(
        "select payload from outbox where topic = 'risk.scoring.completed' and key = $1", application_id
    )
    payload = RiskScoringCompleted.model_validate_json(row["payload"])
    return event_of(RISK_SCORING_COMPLETED, payload, application_id)


async def test_an_approval_asks_for_one_payment_however_often_it_is_delivered(database, box, handlers):
    application_id = await submitted_application(database, box)
    await handlers.scoring_requested(requested(application_id))
    event = await completed(database, application_id)
    door = ScoringCompleted(database)
    await delivered_together(door, event, event, event)
    rows = await database.fetch("select payload from outbox where topic = 'disbursement.requested'")
    assert len(rows) == 1
    payload = json.loads(rows[0]["payload"])
    assert (payload["amount"], payload["currency"]) == ("50000.00", "USD")
    assert payload["approvedBy"] == "policy-3/scorecard-2"


@pytest.mark.parametrize("figures", [{"figures.operatingMargin": "-0.2000"}, {"figures.annualRevenue": None}])
async def test_a_rejection_or_a_referral_asks_for_no_payment(database, box, handlers, figures):
    application_id = await submitted_application(database, box, **figures)
    await handlers.scoring_requested(requested(application_id))
    await ScoringCompleted(database)(await completed(database, application_id))
    assert await database.fetch("select 1 from outbox where topic = 'disbursement.requested'") == []


async def test_an_approval_event_that_the_primary_does_not_confirm_asks_for_no_payment(
    database, box, handlers
):
    application_id = await submitted_application(database, box, **{"figures.annualRevenue": None})
    await handlers.scoring_requested(requested(application_id))
    real = await completed(database, application_id)
    forged = event_of(
        RISK_SCORING_COMPLETED, real.payload.model_copy(update={"status": "approved"}), application_id
    )
    await ScoringCompleted(database)(forged)
    assert await database.fetch("select 1 from outbox where topic = 'disbursement.requested'") == []


@pytest.mark.parametrize(
    "damage",
    [
        "business = jsonb_set(business, '{employees}', '-5')",
        "business = business - 'naics'",
        "figures = jsonb_set(figures, '{annualRevenue}', '\"NaN\"')",
        "figures = jsonb_set(figures, '{cashAtBank}', '\"much\"')",
    ],
    ids=["five employees too few", "no sector", "revenue that is no number", "cash in words"],
)
async def test_stored_facts_that_no_application_can_have_are_a_dead_letter_at_once_and_no_decision(
    database, box, handlers, owner, damage
):
    application_id = await submitted_application(database, box)
    damaging = f"update applications set {damage} where application_id = $1"  # noqa: S608 - our own words
    await owner.execute(damaging, application_id)
    with pytest.raises(Poison, match="the stored facts cannot be scored"):
        await handlers.scoring_requested(requested(application_id))
    row = await database.fetchrow("select status from applications where application_id = $1", application_id)
    assert row["status"] == "processing"
