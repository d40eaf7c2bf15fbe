"""Two people end a payment that no machine can end: unknown or contradicted, with the bank's written word.

There was no way to end one: a bank that had lost a payment, or went on contradicting itself, left it open for ever.
"""

import json
from datetime import timedelta

import pytest

from fundline.banks.bank import Accepted, Settled
from fundline.commands.audit.coverage import check_coverage
from fundline.contracts.roles import Role
from fundline.domain.money import Money
from fundline.platform.clock import new_id, utc_now
from fundline.platform.http.client import CallUnanswered
from fundline.platform.identity import Caller
from fundline.records.cases import CaseKind, NewCase, open_case
from fundline.records.recorded_rows import check_recorded_rows
from fundline.services.operations_api.payment_endings.deeds import PaymentEndings
from fundline.services.operations_api.payment_endings.payment import EndingConflict
from fundline.services.operations_api.payment_endings.schemas import EndingRequest
from support.approved_applications import AMOUNT, payment_requested, store_application
from support.books import purposes
from support.payment import audited, cases, disbursement, events, status, worker_on
from support.telling_bank import Telling
from support.writes import once

pytestmark = [
    pytest.mark.integration,
    pytest.mark.has_no_banks_ledger(
        "the bank is a stand-in that says what the test wants, and keeps no ledger"
    ),
]
PATH = "/v1/payment-endings"
EVIDENCE = "Letter of the bank of 27 November: executed on the 26th."
REASON = {"reason": "The bank's letter says so."}
SAID = {
    "settled": {"transactionId": "txn_9"},
    "failed": {"code": "account_closed"},
    "returned": {"transactionId": "txn_9", "code": "account_closed"},
}
REACHED = {"settled": "disbursed", "failed": "failed", "returned": "returned"}
BOOKED = {
    "settled": ["payment_submitted", "payment_settled"],
    "failed": ["payment_submitted", "payment_returned"],
    "returned": ["payment_submitted", "payment_settled", "settlement_returned"],
}
OLGA, OTTO = Caller("olga", Role.OPERATOR), Caller("otto", Role.OPERATOR)


@pytest.fixture
def bank():
    return Telling()


@pytest.fixture
async def worker(database, account_key_file, bank):
    made = worker_on(database, "http://127.0.0.1:9", account_key_file, bank=bank)
    yield made
    await made.client.close()


@pytest.fixture
async def paid(database, box, worker, bank):
    """`await paid(answer)`: an application whose payment was sent, and what the bank said when it was."""

    async def pay(answer):
        application_id = await store_application(database, box)
        bank.answers_to_pay.append(answer)
        await worker.deliver(payment_requested(application_id))
        return application_id

    return pay


def asked(application_id, outcome: str = "settled", **changes) -> dict:
    body = {"applicationId": str(application_id), "outcome": outcome, "evidence": EVIDENCE, **REASON}
    return body | SAID[outcome] | changes


def request(application_id, outcome: str) -> EndingRequest:
    return EndingRequest.model_validate(asked(application_id, outcome))


async def ended(database, application_id, outcome: str):
    """By olga, and by otto five minutes later."""
    proposed = await PaymentEndings(database).propose(OLGA, request(application_id, outcome), once("olga"))
    later = PaymentEndings(database, now=lambda: utc_now() + timedelta(minutes=5))
    return await later.agree(OTTO, proposed.id, REASON["reason"], once("otto"))


async def assert_on_record(database):
    """The trail has everything that the tables have, and says the same."""
    assert [found async for found in check_coverage(database)] == []
    assert [found async for found in check_recorded_rows(database)] == []


@pytest.mark.parametrize("outcome", SAID)
@pytest.mark.parametrize("why", ["unknown", "contradicted"])
async def test_two_people_end_a_payment_that_no_machine_can_end(database, worker, paid, bank, why, outcome):
    wrong = Settled("txn_1", Money(900_000, "USD"))
    application_id = await paid(CallUnanswered("lost") if why == "unknown" else wrong)
    assert (await disbursement(database, application_id))["state"] == {
        "unknown": "unknown",
        "contradicted": "submitted",
    }[why]
    ending = await ended(database, application_id, outcome)
    assert (ending.state, ending.requested_by, ending.decided_by) == ("agreed", "olga", "otto")

    row = await disbursement(database, application_id)
    assert (row["state"], row["next_step_at"]) == (outcome, None)
    assert row["transaction_id"] == SAID[outcome].get("transactionId")
    assert row["return_code" if outcome == "returned" else "failure_code"] == SAID[outcome].get("code")
    assert (await status(database, application_id))[0] == REACHED[outcome]
    assert await purposes(database, row["payment_id"]) == BOOKED[outcome]
    told = [payload["status"] for topic, payload in await events(database, application_id)]
    assert told[-1] == REACHED[outcome] if outcome == "returned" else REACHED[outcome] in told
    left_open = [kind for kind, state in await cases(database, application_id) if state == "open"]
    assert left_open == (["payment_returned"] if outcome == "returned" else [])
    assert (await audited(database, application_id))[-1] == f"payment.{outcome}"
    entry = await database.fetchrow(
        "select actor, reason, details, evidence_hash from audit_entries where action = $1",
        f"payment.{outcome}",
    )
    assert (entry["actor"], entry["reason"]) == ("operations-api:otto", REASON["reason"])
    assert json.loads(entry["details"])["requestedBy"] == "olga"
    assert entry["evidence_hash"] is not None
    await assert_on_record(database)

    bank.answer_to_find = None
    assert await worker.sweep() == 0, "nobody asks the bank for it any more"


async def test_over_http_an_ending_is_asked_for_read_listed_and_agreed_to(
    operations, operator_headers, database, paid
):
    application_id = await paid(CallUnanswered("lost"))
    proposed = await operations.post(PATH, json=asked(application_id), headers=operator_headers("olga"))
    assert (proposed.status_code, proposed.json()["state"]) == (201, "proposed")
    one = f"{PATH}/{proposed.json()['id']}"
    listed = await operations.get(f"{PATH}?state=proposed", headers=operator_headers("carl", "compliance"))
    assert [item["id"] for item in listed.json()["items"]] == [proposed.json()["id"]]
    assert (await operations.get(one, headers=operator_headers("otto"))).json() == proposed.json()

    agreed = await operations.post(f"{one}/approve", json=REASON, headers=operator_headers("otto"))
    assert (agreed.status_code, agreed.json()["state"]) == (200, "agreed")
    assert (await disbursement(database, application_id))["state"] == "settled"
    again = await operations.post(f"{one}/approve", json=REASON, headers=operator_headers("oskar"))
    assert again.status_code == 409


@pytest.mark.parametrize(
    ("subject", "role", "code"),
    [
        ("olga", "operator", "second-person-needed"),
        ("OLGA", "operator", "second-person-needed"),
        ("alice", "operator", "second-person-needed"),
        ("uma", "underwriter", "forbidden"),
        ("carl", "compliance", "forbidden"),
    ],
)
async def test_one_person_the_applicant_and_other_roles_end_nothing(
    operations, operator_headers, database, paid, subject, role, code
):
    application_id = await paid(CallUnanswered("lost"))
    proposed = await operations.post(PATH, json=asked(application_id), headers=operator_headers("olga"))
    answer = await operations.post(
        f"{PATH}/{proposed.json()['id']}/approve", json=REASON, headers=operator_headers(subject, role)
    )
    assert (answer.status_code, answer.json()["type"]) == (403, f"urn:fundline:problem:{code}")
    assert (await disbursement(database, application_id))["state"] == "unknown"
    own = await operations.post(PATH, json=asked(application_id), headers=operator_headers("alice"))
    assert own.status_code == 403


@pytest.mark.parametrize(
    ("outcome", "changes", "field"),
    [
        ("settled", {"transactionId": None}, "transactionId"),
        ("settled", {"code": "account_closed"}, "code"),
        ("failed", {"code": None}, "code"),
        ("failed", {"transactionId": "txn_9"}, "transactionId"),
        ("returned", {"code": None}, "code"),
        ("returned", {"transactionId": None}, "transactionId"),
        ("settled", {"evidence": "They said so."}, "evidence"),
        ("settled", {"transactionId": "two words"}, "transactionId"),
        ("unknown", {}, "outcome"),
    ],
)
async def test_an_ending_says_what_the_bank_has_written_and_nothing_else(
    operations, operator_headers, database, paid, outcome, changes, field
):
    application_id = await paid(CallUnanswered("lost"))
    body = asked(application_id, outcome if outcome in SAID else "settled") | {"outcome": outcome} | changes
    answer = await operations.post(PATH, json=body, headers=operator_headers("olga"))
    assert answer.status_code == 422
    assert field in {error["path"] for error in answer.json()["errors"]}


async def test_what_machines_end_what_was_never_sent_and_what_has_ended_is_not_ended_by_people(
    operations, operator_headers, database, box, worker, paid, bank
):
    with_the_bank = await paid(Accepted())
    settled = await paid(Settled("txn_1", AMOUNT))
    never_sent = await store_application(database, box, amount=Money(500_000_01, "USD"))
    await worker.deliver(payment_requested(never_sent, Money(500_000_01, "USD")))
    failed = await paid(CallUnanswered("lost"))
    await ended(database, failed, "failed")
    for application_id, sentence in [
        (with_the_bank, "The bank has it"),
        (settled, "It is settled."),
        (never_sent, "It is requested"),
        (failed, "It is failed"),
    ]:
        answer = await operations.post(PATH, json=asked(application_id), headers=operator_headers("olga"))
        assert answer.status_code == 409
        assert sentence in answer.json()["detail"]
    unknown = await operations.post(PATH, json=asked(new_id()), headers=operator_headers("olga"))
    assert unknown.status_code == 404


async def test_a_settled_payment_whose_return_the_bank_has_written_comes_back_and_becomes_nothing_else(
    operations, operator_headers, database, paid
):
    application_id = await paid(Settled("txn_1", AMOUNT))
    payment_id = (await disbursement(database, application_id))["payment_id"]
    said = NewCase(CaseKind.PAYMENT_CONTRADICTED, str(payment_id), "A part came back.", application_id)
    async with database.transaction() as connection:
        await open_case(connection, said, case_id=new_id(), opened_by="tests", at=utc_now())
    for body, code in [
        (asked(application_id, "failed"), 409),
        (asked(application_id, "settled"), 409),
        (asked(application_id, "returned"), 422),  # another transaction than the one on record
    ]:
        answer = await operations.post(PATH, json=body, headers=operator_headers("olga"))
        assert answer.status_code == code
    returned = EndingRequest.model_validate(asked(application_id, "returned", transactionId="txn_1"))
    proposed = await PaymentEndings(database).propose(OLGA, returned, once("olga"))
    await PaymentEndings(database).agree(OTTO, proposed.id, "The letter says so.", once("otto"))
    assert (await disbursement(database, application_id))["state"] == "returned"
    assert await purposes(database, payment_id) == BOOKED["returned"]
    assert await cases(database, application_id) == [
        ("payment_contradicted", "resolved"),
        ("payment_returned", "open"),
    ]
    await assert_on_record(database)


async def test_while_people_are_about_to_end_a_payment_no_worker_sends_it_again(database, worker, paid, bank):
    application_id = await paid(CallUnanswered("lost"))
    bank.answer_to_find = None
    endings = PaymentEndings(database)
    proposed = await endings.propose(OLGA, request(application_id, "failed"), once("olga"))
    for _ in range(3):
        assert await worker.sweep() == 1
    assert len(bank.orders) == 1

    await endings.withdraw(OLGA, proposed.id, "Another payment was meant.", once("olga"))
    bank.answers_to_pay.append(Settled("txn_1", AMOUNT))
    await worker.sweep()
    assert len(bank.orders) == 2
    assert (await disbursement(database, application_id))["state"] == "settled"


@pytest.mark.parametrize(("seconds", "is_ended"), [(179, False), (180, True), (181, True)])
async def test_nobody_calls_a_payment_failed_while_a_worker_may_still_be_sending_it(
    database, paid, seconds, is_ended
):
    application_id = await paid(CallUnanswered("lost"))
    at = utc_now()
    endings = PaymentEndings(database, now=lambda: at)
    proposed = await endings.propose(OLGA, request(application_id, "failed"), once("olga"))
    later = PaymentEndings(database, now=lambda: at + timedelta(seconds=seconds))
    if is_ended:
        await later.agree(OTTO, proposed.id, REASON["reason"], once("otto"))
    else:
        with pytest.raises(EndingConflict, match="three minutes"):
            await later.agree(OTTO, proposed.id, REASON["reason"], once("otto"))
    assert (await disbursement(database, application_id))["state"] == ("failed" if is_ended else "unknown")


async def test_what_the_bank_says_before_the_second_person_agrees_counts(database, worker, paid, bank):
    application_id = await paid(CallUnanswered("lost"))
    proposed = await PaymentEndings(database).propose(OLGA, request(application_id, "failed"), once("olga"))
    bank.answer_to_find = Settled("txn_1", AMOUNT)
    await worker.sweep()
    assert (await disbursement(database, application_id))["state"] == "settled"
    later = PaymentEndings(database, now=lambda: utc_now() + timedelta(minutes=5))
    with pytest.raises(EndingConflict, match="It is settled"):
        await later.agree(OTTO, proposed.id, REASON["reason"], once("otto"))


async def test_one_ending_at_a_time_is_asked_for(database, paid):
    application_id = await paid(CallUnanswered("lost"))
    await PaymentEndings(database).propose(OLGA, request(application_id, "failed"), once("olga"))
    with pytest.raises(EndingConflict, match="already"):
        await PaymentEndings(database).propose(OTTO, request(application_id, "settled"), once("otto"))
