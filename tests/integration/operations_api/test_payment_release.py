"""Four eyes: above its currency's limit a payment waits for a second person, and for nobody else."""

import asyncio
import io
import json
import uuid

import asyncpg
import pytest

from fundline.contracts.payloads import DisbursementRequested
from fundline.contracts.roles import Role
from fundline.contracts.topics import DISBURSEMENT_REQUESTED
from fundline.domain.money import Money
from fundline.platform.database.idempotency import AlreadyAnswered
from fundline.platform.identity import Caller
from fundline.platform.telemetry.logs import configure_logs
from fundline.services.operations_api.payments.deeds import Releases
from support.approved_applications import payment_requested, store_application
from support.bank import whole_statement
from support.books import assert_books_agree
from support.delivering import answered
from support.payment import audited, cases, disbursement
from support.stored import event_of
from support.writes import once

pytestmark = pytest.mark.integration
LARGE = Money(500_000_01, "USD")
LIMIT = Money(500_000_00, "USD")
REASON = {"reason": "Collateral and papers seen."}


async def waiting(worker, database, box, *, approver: str | None = "uma", amount: Money = LARGE) -> uuid.UUID:
    """An approved application whose payment was asked for."""
    application_id = await store_application(database, box, amount=amount)
    if approver is not None:
        await database.execute(
            "insert into underwriter_decisions values ($1, 'approve', 'papers seen', $2, now())",
            application_id,
            approver,
        )
    await worker.deliver(payment_requested(application_id, amount))
    return application_id


def path(application_id: uuid.UUID) -> str:
    return f"/v1/disbursements/{application_id}/release"


async def the_trigger(database, application_id: uuid.UUID):
    """The event that the release has stored, as the worker gets it."""
    row = await database.fetchrow(
        "select payload from outbox where key = $1 and topic = 'disbursement.requested'", application_id
    )
    payload = DisbursementRequested.model_validate(json.loads(row["payload"]))
    return event_of(DISBURSEMENT_REQUESTED, payload, application_id)


async def test_an_amount_above_the_limit_waits_for_a_second_person_and_is_paid_when_released(
    operations, operator_headers, worker, database, box, bank_url
):
    application_id = await waiting(worker, database, box)
    assert (await disbursement(database, application_id))["state"] == "requested"
    assert await cases(database, application_id) == [("payment_release", "open")]
    for _ in range(3):
        assert await worker.sweep() == 0
    assert await whole_statement(bank_url) == []

    answer = await operations.post(path(application_id), json=REASON, headers=operator_headers("olga"))
    assert answer.status_code == 200
    assert answer.json()["releasedBy"] == "olga"
    assert answer.json()["approvedBy"] == "uma"
    await worker.deliver(await the_trigger(database, application_id))
    assert (await disbursement(database, application_id))["state"] == "settled"
    assert await cases(database, application_id) == [("payment_release", "resolved")]
    assert await audited(database, application_id) == [
        "payment.expected",
        "payment.requested",
        "payment.released",
        "payment.submitted",
        "payment.settled",
    ]
    told = await database.fetchrow(
        "select actor, reason, details from audit_entries where action = 'payment.released'"
    )
    assert (told["actor"], told["reason"]) == ("operations-api:olga", REASON["reason"])
    assert json.loads(told["details"])["approvedBy"] == "uma"
    await assert_books_agree(database, bank_url)


async def test_a_released_payment_is_sent_though_the_event_of_its_release_is_lost(
    operations, operator_headers, worker, database, box, bank_url
):
    application_id = await waiting(worker, database, box)
    await operations.post(path(application_id), json=REASON, headers=operator_headers("olga"))
    await worker.sweep()
    assert (await disbursement(database, application_id))["state"] == "settled"
    await assert_books_agree(database, bank_url)


async def test_a_release_that_comes_before_its_payment_leaves_the_key_free(
    operations, operator_headers, worker, database, box
):
    application_id = await store_application(database, box, amount=LARGE)
    headers = operator_headers("olga", key="one-key")
    early = await operations.post(path(application_id), json=REASON, headers=headers)
    assert (early.status_code, early.headers["retry-after"]) == (409, "1")
    await worker.deliver(payment_requested(application_id, LARGE))
    assert (await operations.post(path(application_id), json=REASON, headers=headers)).status_code == 200


async def test_an_amount_at_the_limit_is_paid_without_a_release(worker, database, box, bank_url):
    application_id = await waiting(worker, database, box, amount=LIMIT)
    assert (await disbursement(database, application_id))["state"] == "settled"
    await assert_books_agree(database, bank_url)


async def test_a_currency_without_a_limit_needs_a_release_whatever_the_amount(
    engines, database_url, worker, database, box
):
    owner = engines.stack.postgres.owner_url.rsplit("/", 1)[0] + "/" + database_url.rsplit("/", 1)[1]
    connection = await asyncpg.connect(owner)
    await connection.execute("delete from payment_release_limits where currency = 'EUR'")
    await connection.close()
    application_id = await waiting(worker, database, box, amount=Money(100, "EUR"))
    assert (await disbursement(database, application_id))["needs_release"]


@pytest.mark.parametrize(
    ("subject", "role", "code"),
    [
        ("uma", "operator", "second-person-needed"),
        ("alice", "operator", "second-person-needed"),
        ("olga", "underwriter", "forbidden"),
        ("olga", "compliance", "forbidden"),
        ("olga", "applicant", "forbidden"),
    ],
)
async def test_neither_the_approver_nor_the_applicant_nor_another_role_releases_a_payment(
    operations, operator_headers, worker, database, box, subject, role, code
):
    application_id = await waiting(worker, database, box)
    answer = await operations.post(path(application_id), json=REASON, headers=operator_headers(subject, role))
    assert (answer.status_code, answer.json()["type"]) == (403, f"urn:fundline:problem:{code}")
    assert (await disbursement(database, application_id))["released_by"] is None
    assert await cases(database, application_id) == [("payment_release", "open")]


async def test_what_the_policy_approved_is_released_by_anybody_but_its_applicant(
    operations, operator_headers, worker, database, box
):
    application_id = await waiting(worker, database, box, approver=None)
    assert (await disbursement(database, application_id))["approved_by"].startswith("policy:")
    refused = await operations.post(path(application_id), json=REASON, headers=operator_headers("alice"))
    taken = await operations.post(path(application_id), json=REASON, headers=operator_headers("olga"))
    assert (refused.status_code, taken.status_code) == (403, 200)


async def test_a_payment_is_released_once_and_only_while_it_waits(
    operations, operator_headers, worker, database, box
):
    application_id, small = (
        await waiting(worker, database, box),
        await waiting(worker, database, box, amount=LIMIT),
    )
    await operations.post(path(application_id), json=REASON, headers=operator_headers("olga"))
    again = await operations.post(path(application_id), json=REASON, headers=operator_headers("oscar"))
    never = await operations.post(path(small), json=REASON, headers=operator_headers("oscar"))
    nobody = await operations.post(path(uuid.uuid4()), json=REASON, headers=operator_headers("oscar"))
    assert [a.status_code for a in (again, never, nobody)] == [409, 409, 404]
    assert again.json()["detail"] == "olga has released it already."
    rows = await database.fetch("select 1 from outbox where topic = 'disbursement.requested'")
    assert len(rows) == 1


async def test_the_database_itself_sends_nothing_above_the_limit_unreleased_or_released_by_its_approver(
    worker, database, box
):
    application_id = await waiting(worker, database, box)
    for change, rule in (
        ("state = 'submitted', submitted_at = now()", "disbursements_above_the_limit_wait"),
        (
            "released_by = 'uma', released_at = now(), release_reason = 'x'",
            "disbursements_released_by_a_second_person",
        ),
    ):
        with pytest.raises(asyncpg.CheckViolationError, match=rule):
            await database.execute(
                f"update disbursements set {change} where application_id = $1",  # noqa: S608 - our own words
                application_id,
            )


async def test_what_waits_is_listed_and_shows_no_account(operations, operator_headers, worker, database, box):
    waits = await waiting(worker, database, box)
    paid = await waiting(worker, database, box, amount=LIMIT)
    query = "/v1/disbursements?state=requested"
    listed = (await operations.get(query, headers=operator_headers())).json()
    assert [item["applicationId"] for item in listed["items"]] == [str(waits)]
    assert listed["items"][0]["waitsForRelease"] is True
    everything = (await operations.get("/v1/disbursements?limit=1", headers=operator_headers())).json()
    assert [item["applicationId"] for item in everything["items"]] == [str(paid)]
    rest = (
        await operations.get(
            f"/v1/disbursements?cursor={everything['nextCursor']}", headers=operator_headers()
        )
    ).json()
    assert [item["applicationId"] for item in rest["items"]] == [str(waits)]
    one = await operations.get(f"/v1/disbursements/{paid}", headers=operator_headers("cora", "compliance"))
    assert one.json()["state"] == "settled"
    assert "998877665544" not in one.text
    for bad in ("nonsense", str(uuid.uuid4())):
        assert (
            await operations.get(f"/v1/disbursements/{bad}", headers=operator_headers())
        ).status_code == 404
    refused = await operations.get(query, headers=operator_headers("alice", "applicant"))
    assert refused.status_code == 403


@pytest.fixture
def log_lines():
    """What is logged during the test, as the processes write it."""
    stream = io.BytesIO()
    configure_logs(process="operations-api", instance="operations-api-1", level="INFO", stream=stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    configure_logs(process="tests", instance="tests-1", level="WARNING")


async def test_a_repeat_of_a_release_gets_the_kept_answer_and_is_logged_once(
    worker, database, box, log_lines
):
    """Without a door: the use case takes values and a key, and a repeat goes through it to whoever asked."""
    application_id = await waiting(worker, database, box)
    releases, olga = Releases(database), Caller("olga", Role.OPERATOR)
    payment = await releases.release(olga, application_id, "Seen.", once("olga", "one-key"))
    with pytest.raises(AlreadyAnswered) as repeat:
        await releases.release(olga, application_id, "Seen.", once("olga", "one-key"))
    assert (payment.application_id, payment.released_by) == (application_id, "olga")
    assert repeat.value.answer.body == payment.model_dump_json(by_alias=True).encode()
    assert [line["message"] for line in log_lines()].count("payment.released") == 1


async def test_promises_1_and_2_fifty_releases_with_one_key_release_once_and_get_one_answer(
    operations, operator_headers, worker, database, box
):
    application_id = await waiting(worker, database, box)
    shared = operator_headers("olga", key="one-key")
    answers = await asyncio.gather(
        *(
            answered(lambda: operations.post(path(application_id), json=REASON, headers=shared))
            for _ in range(50)
        )
    )
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    other = await operations.post(path(application_id), json={"reason": "Another one."}, headers=shared)
    missing = await operations.post(
        path(application_id), json=REASON, headers=operator_headers("olga", key="")
    )
    anew = await operations.post(
        path(application_id), json=REASON, headers=operator_headers("oscar", key="one-key")
    )
    assert (other.status_code, other.json()["type"]) == (422, "urn:fundline:problem:idempotency-key-reused")
    assert missing.status_code == 400
    assert anew.status_code == 409, "keys are per caller: this is a second release, and refused as one"
    rows = await database.fetch("select 1 from outbox where topic = 'disbursement.requested'")
    assert len(rows) == 1
