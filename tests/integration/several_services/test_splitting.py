"""Splitting avoids nobody: twelve applications of 50,000 by one person were once paid without anybody looking."""

import asyncio
import json
from collections import Counter
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from prometheus_client import CollectorRegistry

from fundline.contracts.roles import Role
from fundline.domain.exposure import NOTHING_ELSE, Exposure, Shared
from fundline.domain.money import Money
from fundline.platform.database import Database
from fundline.platform.identity import Caller
from fundline.platform.secrets import SecretBox
from fundline.platform.telemetry.metrics import Metrics
from fundline.records.exposure import read_exposure
from fundline.services.application_api.quota import Quota
from fundline.services.application_api.reference import ReferenceData
from fundline.services.application_api.schemas import ApplicationRequest
from fundline.services.application_api.submission import Submission
from support.applications import an_application, application_of_its_own
from support.approved_applications import payment_requested, store_application
from support.payment import TestedWorker
from support.stored import scoring_requested, submitted_application
from support.writes import once

pytestmark = pytest.mark.integration
FIFTY = Money(5_000_000, "USD")
"""50,000 dollars: five are the policy's limit, ten that of one person."""


@pytest.fixture
async def submission(database, box) -> Submission:
    reference = ReferenceData(database)
    await reference.load()
    metrics = Metrics(CollectorRegistry())
    return Submission(database, box, reference, metrics, quota=Quota(applicant=1000))


async def pay_all(worker: TestedWorker, ids: list[UUID], amount: Money = FIFTY) -> None:
    """All at once, as far as the pool of connections goes; whoever meets a lock for too long comes again."""
    turns = asyncio.Semaphore(6)

    async def pay(application_id: UUID) -> None:
        event = payment_requested(application_id, amount)
        async with turns:
            await worker.deliver(event)

    await asyncio.gather(*(pay(one) for one in ids))


async def states(database: Database) -> Counter[str]:
    rows = await database.fetch("select state, count(*) as payments from disbursements group by state")
    return Counter({row["state"]: row["payments"] for row in rows})


def what_is_shared(shared: Shared) -> dict[str, Any]:
    shares: dict[Shared, dict[str, Any]]
    sound = an_application().business
    shares = {
        Shared.APPLICANT: {"user_id": "bob", "submitted_as": "applicant"},
        Shared.BUSINESS: {"business": sound},
        Shared.ACCOUNT: {"account": b"the same account"},
    }
    return shares[shared]


async def approved(
    database: Database, box: SecretBox, shared: Shared, amount: Money = FIFTY, **changes
) -> UUID:
    how = what_is_shared(shared) | changes
    index = how.pop("account", None)
    application_id = await store_application(database, box, amount=amount, **how)
    if index is not None:
        await database.execute(
            "update applications set payout_index = $2 where application_id = $1", application_id, index
        )
    return application_id


@pytest.mark.parametrize("shared", list(Shared))
async def test_of_fifty_approvals_at_once_as_many_are_paid_as_the_limit_holds(shared, worker, database, box):
    """All fifty were decided before any was paid, so that no decision saw another one."""
    ids = [await approved(database, box, shared) for _ in range(50)]
    await pay_all(worker, ids)
    assert await states(database) == {"settled": 5, "requested": 45}
    waiting = [row["application_id"] for row in await database.fetch(
        "select application_id from disbursements where state = 'requested' and needs_release"
    )]  # fmt: skip
    assert len(waiting) == 45
    summaries = [row["summary"] for row in await database.fetch(
        "select summary from cases where application_id = any($1) and kind = 'payment_release' and state = 'open'",
        waiting,
    )]  # fmt: skip
    told = Counter(
        amount
        for summary in summaries
        for amount in range(50_000, 3_000_000, 50_000)
        if f"Payments to the same {shared} come to {amount}.00 USD, above 250000 USD." in summary
    )
    assert told == Counter(range(300_000, 2_550_000, 50_000)), "each sees those before it, whatever the order"
    assert await worker.sweep() == 0


@pytest.mark.parametrize("shared", list(Shared))
async def test_one_person_who_approves_many_parts_does_not_avoid_the_second_one(
    shared, worker, database, box
):
    ids = [await approved(database, box, shared) for _ in range(12)]
    for application_id in ids:
        await database.execute(
            "insert into underwriter_decisions values ($1, 'approve', 'seen', 'uma', now())", application_id
        )
    await pay_all(worker, ids)
    assert await states(database) == {"settled": 10, "requested": 2}


async def test_currencies_count_together(worker, database, box):
    amounts = [Money(12_500_000, "USD"), Money(11_250_000, "EUR"), Money(150_000, "JPY")]
    for amount in amounts:
        await pay_all(worker, [await approved(database, box, Shared.APPLICANT, amount)], amount)
    assert await states(database) == {"settled": 2, "requested": 1}


async def test_the_same_payment_asked_for_twice_waits_for_a_person(worker, database, box):
    """A double click with two keys paid twice."""
    ids = []
    for _ in range(2):
        application_id = await approved(database, box, Shared.BUSINESS)
        await database.execute(
            "update applications set payout_index = 'same' where application_id = $1", application_id
        )
        ids.append(application_id)
    await pay_all(worker, ids)
    assert await states(database) == {"settled": 1, "requested": 1}


async def test_what_failed_or_was_rejected_counts_no_more(database, box):
    for status in ("rejected", "failed"):
        await store_application(database, box, status=status, user_id="bob", submitted_as="applicant")
    mine = await store_application(
        database, box, status="risk_scoring", user_id="bob", submitted_as="applicant"
    )
    async with database.transaction() as connection:
        assert await read_exposure(connection, mine) == NOTHING_ELSE


async def test_what_came_earlier_counts_and_of_what_came_later_only_what_is_approved_or_paid(database, box):
    bob = {"user_id": "bob", "submitted_as": "applicant"}
    for status in ("processing", "risk_scoring", "pending_review", "approved", "disbursed"):
        await store_application(database, box, status=status, **bob)
    mine = await store_application(database, box, status="risk_scoring", **bob)
    for status in ("processing", "risk_scoring", "pending_review", "approved", "disbursed"):
        await store_application(database, box, status=status, **bob)
    async with database.transaction() as connection:
        found = await read_exposure(connection, mine)
    assert found == Exposure(applicant={"USD": 7 * Decimal("12500.00")})


async def test_a_partners_applications_have_no_applicant_in_common(database, box):
    for _ in range(3):
        mine = await store_application(database, box, user_id="broker", submitted_as="partner")
    async with database.transaction() as connection:
        assert await read_exposure(connection, mine) == NOTHING_ELSE


@pytest.mark.parametrize(
    ("name", "is_same"),
    [
        ("Harbor Street Bakery LLC", True),
        ("HARBOR  STREET BAKERY, L.L.C.", True),
        ("Harbor-Street Bakery Inc.", True),
        ("Ｈarbor Street Bakery Company Ltd", True),
        ("Harborstreet Bakery", True),
        ("Harbor Street Bakery 2 LLC", False),
        ("Harbour Street Bakery LLC", False),
        ("Disco", False),
    ],
)
async def test_a_business_is_the_same_however_its_name_is_written(name, is_same, database):
    key = "select business_key($1::jsonb) as key"
    one, other = [
        (await database.fetchrow(key, json.dumps({"legalName": text, "state": "OR"})))["key"]
        for text in ("Harbor Street Bakery LLC", name)
    ]
    assert (one == other) is is_same
    elsewhere = await database.fetchrow(key, json.dumps({"legalName": name, "state": "NY"}))
    assert elsewhere["key"] != other


async def test_the_second_of_two_clicks_is_referred_as_a_likely_repeat(bench, database, box, submission):
    alice = Caller("alice", Role.APPLICANT)
    first, second = [
        (await submission.submit(alice, an_application(), once("alice", status=202))).id for _ in range(2)
    ]
    for application_id in (second, first):  # in whatever order they are scored
        await bench.handlers().scoring_requested(scoring_requested(application_id))
    found = {
        row["application_id"]: (row["verdict"], [one["code"] for one in json.loads(row["reasons"])])
        for row in await database.fetch(
            "select application_id, verdict, principal_reasons::text as reasons from risk_assessments"
        )
    }
    assert found == {first: ("approved", []), second: ("pending_review", ["likely_repeat"])}


async def test_fifty_submissions_at_once_by_one_person_are_paid_up_to_the_limit(
    worker, bench, database, submission
):
    """The whole way, everything in parallel: submitted, scored, asked for, paid."""
    bob, turns = Caller("bob", Role.APPLICANT), asyncio.Semaphore(6)

    async def apply() -> UUID:
        body = json.dumps(application_of_its_own())
        request = ApplicationRequest.model_validate_json(body)
        async with turns:
            return (await submission.submit(bob, request, once("bob", status=202))).id

    async def score(application_id: UUID) -> None:
        async with turns:
            await bench.handlers().scoring_requested(scoring_requested(application_id))

    ids = await asyncio.gather(*(apply() for _ in range(50)))
    await asyncio.gather(*(score(one) for one in ids))
    rows = await database.fetch("select application_id from applications where status = 'approved'")
    await pay_all(worker, [row["application_id"] for row in rows])
    assert (await states(database))["settled"] == 5
    referred = await database.fetch("select 1 from applications where status = 'pending_review'")
    assert len(referred) + (await states(database))["requested"] == 45


async def test_a_cached_score_never_brings_back_an_earlier_exposure(bench, database, box):
    """An underwriter asks for a new assessment: the score may be kept, what is open beside may not."""
    mine = await submitted_application(database, box)
    await bench.handlers().scoring_requested(scoring_requested(mine))
    row = await database.fetchrow(
        "select business::text, amount_minor from applications where application_id = $1", mine
    )
    await database.execute("update applications set status = 'risk_scoring' where application_id = $1", mine)
    business = an_application().business.model_validate_json(row["business"])
    await store_application(
        database, box, status="disbursed", amount=Money(24_000_000, "USD"), business=business
    )
    await bench.handlers().scoring_requested(scoring_requested(mine))
    verdicts = await database.fetch("select verdict from risk_assessments order by assessment")
    assert [row["verdict"] for row in verdicts] == ["approved", "pending_review"]
