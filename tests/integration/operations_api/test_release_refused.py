"""A person may also say no: the payment ends without ever having been sent, and the applicant reads so.

There was no way to refuse: the case stayed open for ever, and the application `approved`.
"""

import json

import asyncpg
import pytest

from fundline.domain.money import Money
from fundline.domain.review_reasons import RELEASE_REFUSED
from support.approved_applications import payment_requested, store_application
from support.bank import whole_statement
from support.books import assert_books_agree
from support.payment import cases, disbursement, events, status

pytestmark = pytest.mark.integration
LARGE = Money(500_000_01, "USD")
REASON = {"reason": "The business was dissolved last month."}


async def waiting(worker, database, box, amount: Money = LARGE):
    application_id = await store_application(database, box, amount=amount)
    await worker.deliver(payment_requested(application_id, amount))
    return application_id


def path(application_id) -> str:
    return f"/v1/disbursements/{application_id}/refuse"


async def test_a_refused_payment_fails_is_never_sent_and_the_applicant_is_told(
    operations, operator_headers, worker, database, box, bank_url
):
    application_id = await waiting(worker, database, box)
    answer = await operations.post(path(application_id), json=REASON, headers=operator_headers("olga"))
    assert answer.status_code == 200
    assert (answer.json()["state"], answer.json()["failureCode"]) == ("failed", "release_refused")
    assert await status(database, application_id) == ("failed", 4)
    assert await cases(database, application_id) == [("payment_release", "resolved")]
    told = await database.fetchrow(
        "select metadata from application_status_history where application_id = $1 and status = 'failed'",
        application_id,
    )
    (shown,) = json.loads(told["metadata"])["principalReasons"]
    assert shown == {"code": RELEASE_REFUSED.code, "sentence": RELEASE_REFUSED.sentence}
    assert REASON["reason"] not in told["metadata"]  # it is the operator's note for the file
    topics = dict(await events(database, application_id))
    assert topics["disbursement.completed"]["status"] == "failed"
    assert topics["disbursement.completed"]["error"] == "release_refused"
    assert topics["status.updated"]["status"] == "failed"
    entry = await database.fetchrow(
        "select actor, reason from audit_entries where action = 'payment.release_refused'"
    )
    assert tuple(entry) == ("operations-api:olga", REASON["reason"])

    await worker.deliver(payment_requested(application_id, LARGE))  # the event comes again
    for _ in range(2):
        await worker.sweep()
    assert await whole_statement(bank_url) == []
    await assert_books_agree(database, bank_url)


async def test_after_a_refusal_nobody_releases_and_after_a_release_nobody_refuses(
    operations, operator_headers, worker, database, box
):
    refused, released = [await waiting(worker, database, box) for _ in range(2)]
    assert (
        await operations.post(path(refused), json=REASON, headers=operator_headers("olga"))
    ).status_code == 200
    release = path(refused).replace("refuse", "release")
    assert (await operations.post(release, json=REASON, headers=operator_headers("otto"))).status_code == 409
    release = path(released).replace("refuse", "release")
    assert (await operations.post(release, json=REASON, headers=operator_headers("otto"))).status_code == 200
    assert (
        await operations.post(path(released), json=REASON, headers=operator_headers("olga"))
    ).status_code == 409
    assert (await disbursement(database, released))["state"] == "requested"


async def test_what_needs_no_release_cannot_be_refused(operations, operator_headers, worker, database, box):
    application_id = await waiting(worker, database, box, Money(100, "USD"))
    answer = await operations.post(path(application_id), json=REASON, headers=operator_headers("olga"))
    assert (answer.status_code, answer.json()["type"]) == (
        409,
        "urn:fundline:problem:not-waiting-for-release",
    )


@pytest.mark.parametrize(
    ("subject", "role", "code"),
    [
        ("alice", "operator", "second-person-needed"),
        ("olga", "underwriter", "forbidden"),
        ("olga", "compliance", "forbidden"),
        ("olga", "applicant", "forbidden"),
    ],
)
async def test_neither_the_applicant_nor_another_role_refuses_a_payment(
    operations, operator_headers, worker, database, box, subject, role, code
):
    application_id = await waiting(worker, database, box)
    answer = await operations.post(path(application_id), json=REASON, headers=operator_headers(subject, role))
    assert (answer.status_code, answer.json()["type"]) == (403, f"urn:fundline:problem:{code}")
    assert (await disbursement(database, application_id))["state"] == "requested"


async def test_a_payment_that_was_sent_cannot_be_called_refused(worker, database, box):
    application_id = await waiting(worker, database, box, Money(100, "USD"))
    with pytest.raises(asyncpg.CheckViolationError, match="disbursements_refused_were_never_sent"):
        await database.execute(
            "update disbursements set state = 'failed', failure_code = 'release_refused' where application_id = $1",
            application_id,
        )
