"""A payout that failed for the account's sake is not the end: the applicant names another account, and is paid to it.

One account with a wrong digit was the end of an approved loan: the applicant had to apply again from the beginning.
"""

import asyncio
import json

import asyncpg
import pytest

from fundline.banks.bank import Settled
from fundline.commands.audit.coverage import check_coverage
from fundline.contracts.payloads import DisbursementRequested
from fundline.contracts.roles import Role
from fundline.contracts.topics import DISBURSEMENT_REQUESTED
from fundline.domain.money import Money
from fundline.domain.payment import ACCOUNT_FAILURES
from fundline.platform.database import UniqueRule
from fundline.platform.identity import Caller
from fundline.platform.refusals import InvalidRequest, Refusal
from fundline.records.recorded_rows import check_recorded_rows
from fundline.services.application_api.another_account import AnotherAccount, NoAccountNeeded
from fundline.services.application_api.reading import ApplicationNotFound, Reading
from fundline.services.application_api.schemas import AccountRequest
from fundline.services.disbursement_worker.results import Recorded
from fundline.services.operations_api.four_eyes import SecondPersonNeeded
from fundline.services.operations_api.payments.another_account import AccountNotAtFault, AccountRequests
from fundline.services.operations_api.payments.reading import Payments
from support.approved_applications import AMOUNT, payment_requested, store_application
from support.bank import whole_statement
from support.payment import audited, cases, disbursement, events, status
from support.stored import event_of
from support.writes import once

pytestmark = pytest.mark.integration
CLOSED, UNKNOWN, BLOCKED, GOOD = "5555550002", "5555550003", "5555550004", "5555556789"
WHY = "Your bank says that this account is closed."
OLGA = Caller("olga", Role.OPERATOR)
ALICE = Caller("alice", Role.PARTNER)


def account(number: str) -> AccountRequest:
    body = {"payoutAccount": {"type": "us", "routingNumber": "021000021", "accountNumber": number}}
    return AccountRequest.model_validate_json(json.dumps(body))


@pytest.fixture
def people(database, box):
    """Those who may ask for an account, and name one."""
    return AccountRequests(database), AnotherAccount(database, box)


@pytest.fixture
async def failed(database, box, worker):
    """`await failed(number)`: an application whose payment to this account the bank has declined."""

    async def make(number: str = CLOSED, *, amount: Money = AMOUNT):
        application_id = await store_application(database, box, account_number=number, amount=amount)
        await worker.deliver(payment_requested(application_id, amount))
        return application_id

    return make


async def the_trigger(database, application_id):
    """The event that was stored with the account, as the worker gets it."""
    row = await database.fetchrow(
        "select payload from outbox where key = $1 and topic = 'disbursement.requested' order by position desc",
        application_id,
    )
    payload = DisbursementRequested.model_validate(json.loads(row["payload"]))
    return event_of(DISBURSEMENT_REQUESTED, payload, application_id)


async def payments_of(database, application_id):
    return await database.fetch(
        "select * from disbursements where application_id = $1 order by created_at", application_id
    )


async def paid_to(number, people, database, worker, application_id):
    """Asked for, named, and paid."""
    ask, name = people
    await ask.ask(OLGA, application_id, WHY, once("olga"))
    await name.name(ALICE, application_id, account(number), once("alice"))
    await worker.deliver(await the_trigger(database, application_id))


async def test_the_applicant_names_another_account_and_is_paid_to_it_by_another_payment(
    people, failed, database, worker, bank_url
):
    ask, name = people
    application_id = await failed()
    first = await disbursement(database, application_id)
    assert (first["state"], first["failure_code"]) == ("failed", "account_closed")

    asked = await ask.ask(OLGA, application_id, WHY, once("olga"))
    assert (asked.payment_id, asked.state) == (first["payment_id"], "failed")
    assert await status(database, application_id) == ("account_needed", 5)
    told = [payload for topic, payload in await events(database, application_id) if topic == "status.updated"]
    assert (told[-1]["status"], set(told[-1]["metadata"])) == ("account_needed", {"paymentId", "failureCode"})
    assert WHY not in str(told)  # it is the operator's note for the file

    await name.name(ALICE, application_id, account(GOOD), once("alice"))
    assert await status(database, application_id) == ("approved", 6)
    shown = await Reading(database).one(ALICE, application_id)
    assert (shown.payout_account.last4, shown.disbursement) == ("6789", None)
    trigger = await the_trigger(database, application_id)
    for _ in range(2):
        await worker.deliver(trigger)

    stayed, second = await payments_of(database, application_id)
    assert dict(stayed) == dict(first) | {"replaced_at": stayed["replaced_at"]}
    assert (second["state"], second["replaced_at"]) == ("settled", None)
    assert second["payment_id"] != first["payment_id"]
    assert await status(database, application_id) == ("disbursed", 7)
    lines = await whole_statement(bank_url)
    assert [(line["paymentId"], line["status"]) for line in lines] == [
        (str(first["payment_id"]), "declined"),
        (str(second["payment_id"]), "settled"),
    ]
    assert {"payment.account_asked", "payment.account_named"} < set(await audited(database, application_id))
    seen = await Payments(database).one(application_id)
    assert (seen.payment_id, seen.replaced) == (second["payment_id"], [first["payment_id"]])
    assert [found async for found in check_coverage(database)] == []
    assert [found async for found in check_recorded_rows(database)] == []


async def test_what_fails_with_the_other_account_too_may_be_named_once_more(people, failed, database, worker):
    application_id = await failed(CLOSED)
    await paid_to(UNKNOWN, people, database, worker, application_id)
    assert (await status(database, application_id))[0] == "failed"
    await paid_to(GOOD, people, database, worker, application_id)
    payments = await payments_of(database, application_id)
    assert [payment["state"] for payment in payments] == ["failed", "failed", "settled"]
    assert [payment["failure_code"] for payment in payments] == ["account_closed", "account_not_found", None]


@pytest.mark.parametrize(
    "code", sorted({*ACCOUNT_FAILURES, "account_blocked", "limit_exceeded", "release_refused"})
)
async def test_another_account_is_asked_for_only_where_the_account_was_at_fault(
    people, failed, database, code
):
    ask, _ = people
    application_id = await failed()
    submitted = "submitted_at = null" if code == "release_refused" else "submitted_at = submitted_at"
    changed = f"update disbursements set failure_code = $2, {submitted} where application_id = $1"  # noqa: S608 - our own words
    await database.execute(changed, application_id, code)
    if code in ACCOUNT_FAILURES:
        await ask.ask(OLGA, application_id, WHY, once("olga"))
    else:
        with pytest.raises(AccountNotAtFault, match=code):
            await ask.ask(OLGA, application_id, WHY, once("olga"))
    await database.execute(
        "update disbursements set failure_code = 'account_closed' where application_id = $1", application_id
    )


async def test_nothing_is_asked_for_while_a_payment_may_still_succeed_or_has(people, failed, database):
    ask, _ = people
    application_id = await failed(GOOD)
    with pytest.raises(AccountNotAtFault, match="It is settled"):
        await ask.ask(OLGA, application_id, WHY, once("olga"))
    other = await failed()
    await ask.ask(OLGA, other, WHY, once("olga"))
    with pytest.raises(AccountNotAtFault, match="already"):
        await ask.ask(OLGA, other, WHY, once("olga"))


async def test_neither_the_applicant_asks_nor_somebody_else_names(people, failed):
    ask, name = people
    application_id = await failed()
    with pytest.raises(SecondPersonNeeded):
        await ask.ask(Caller("Alice", Role.OPERATOR), application_id, WHY, once("Alice"))
    with pytest.raises(NoAccountNeeded, match="nobody has asked"):
        await name.name(ALICE, application_id, account(GOOD), once("alice"))
    await ask.ask(OLGA, application_id, WHY, once("olga"))
    with pytest.raises(ApplicationNotFound):
        await name.name(Caller("bob", Role.APPLICANT), application_id, account(GOOD), once("bob"))


async def test_the_account_that_failed_and_one_of_another_currency_are_refused(
    people, failed, database, worker
):
    ask, name = people
    again = await failed()
    await paid_to(UNKNOWN, people, database, worker, again)
    euros = await failed(amount=Money(100_000, "EUR"))
    for application_id, number in ((again, UNKNOWN), (euros, GOOD)):
        await ask.ask(OLGA, application_id, WHY, once("olga"))
        with pytest.raises(InvalidRequest) as told:
            await name.name(ALICE, application_id, account(number), once("alice"))
        assert told.value.errors[0].path.startswith("payoutAccount")
        assert (await status(database, application_id))[0] == "account_needed"


async def test_two_who_name_at_once_ask_for_one_payment(people, failed, database, worker):
    ask, name = people
    application_id = await failed()
    await ask.ask(OLGA, application_id, WHY, once("olga"))
    done = await asyncio.gather(
        *(name.name(ALICE, application_id, account(f"55555{n}6789"), once("alice")) for n in range(5)),
        return_exceptions=True,
    )
    assert sum(not isinstance(one, BaseException) for one in done) == 1
    assert all(isinstance(one, Refusal) for one in done if isinstance(one, BaseException))
    assert [topic for topic, _ in await events(database, application_id)].count("disbursement.requested") == 1


async def test_what_the_bank_says_of_the_replaced_payment_is_said_of_no_other(
    people, failed, database, worker
):
    application_id = await failed()
    first = await disbursement(database, application_id)
    await paid_to(GOOD, people, database, worker, application_id)
    before = await payments_of(database, application_id)
    recorded = await worker.parts.results.record(first["payment_id"], Settled("txn_late", AMOUNT))
    assert recorded is Recorded.CONTRADICTED
    assert await payments_of(database, application_id) == before
    assert await cases(database, application_id) == [("payment_contradicted", "open")]


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (
            "update disbursements set replaced_at = now() where state = 'settled'",
            "disbursements_replaced_has_failed",
        ),
        (
            (
                "insert into disbursements (payment_id, application_id, amount_minor, currency, state, created_at) "
                "select gen_random_uuid(), application_id, amount_minor, currency, 'expected', now() from disbursements"
            ),
            "disbursements_one_current_per_application",
        ),
    ],
)
async def test_the_database_holds_that_one_payment_of_an_application_succeeds(failed, database, change, rule):
    await failed(GOOD)
    with pytest.raises((asyncpg.CheckViolationError, UniqueRule), match=rule):
        await database.execute(change)


async def test_a_replaced_payment_stays_as_it_is(people, failed, database):
    ask, name = people
    application_id = await failed()
    await ask.ask(OLGA, application_id, WHY, once("olga"))
    await name.name(ALICE, application_id, account(GOOD), once("alice"))
    for change in ("replaced_at = null", "state = 'settled', transaction_id = 'txn_1'"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="it stays failed"):
            await database.execute(f"update disbursements set {change}")  # noqa: S608 - our own words
