import asyncio
import random

import asyncpg
import httpx
import pytest

from fundline.banks.bank import Declined
from fundline.commands.audit.coverage import check_coverage
from fundline.domain.payment import PaymentState
from fundline.platform.clock import new_id
from fundline.platform.database import UniqueRule
from fundline.records.ledger import book_payment
from fundline.services.disbursement_worker.results import Recorded
from support.approved_applications import (
    ACCOUNT_NUMBER,
    AMOUNT,
    payment_requested,
    scoring_completed,
    store_application,
)
from support.bank import whole_statement
from support.books import assert_books_agree, purposes
from support.delivering import delivered
from support.payment import cases, disbursement, events, status

pytestmark = pytest.mark.integration


async def test_an_approving_score_opens_the_record_and_pays_nothing(worker, database, box, bank_url):
    application_id = await store_application(database, box)
    event = scoring_completed(application_id)
    await worker.deliver_score(event)
    await worker.deliver_score(event)
    opened = await disbursement(database, application_id)
    assert (opened["state"], opened["amount_minor"]) == ("expected", AMOUNT.amount_minor)
    assert await whole_statement(bank_url) == []
    assert await purposes(database, opened["payment_id"]) == []

    await worker.deliver(payment_requested(application_id))
    assert (await disbursement(database, application_id))["payment_id"] == opened["payment_id"]
    await assert_books_agree(database, bank_url)


async def test_a_score_that_arrives_after_the_payment_changes_nothing(worker, database, box, bank_url):
    application_id = await store_application(database, box)
    await worker.deliver(payment_requested(application_id))
    paid = await disbursement(database, application_id)
    await worker.deliver_score(scoring_completed(application_id))
    assert await disbursement(database, application_id) == paid
    await assert_books_agree(database, bank_url)


@pytest.mark.parametrize("verdict", ["rejected", "pending_review"])
async def test_any_other_verdict_opens_nothing(worker, database, box, verdict):
    application_id = await store_application(database, box, status=verdict)
    await worker.deliver_score(scoring_completed(application_id, verdict))
    assert await disbursement(database, application_id) is None


@pytest.mark.parametrize("seed", range(3))
async def test_workers_that_handle_the_same_applications_at_once_pay_each_once(
    new_worker, database, box, bank_url, seed
):
    applications = [await store_application(database, box) for _ in range(8)]
    events_of_all = [payment_requested(application_id) for application_id in applications]
    deliveries = [event for event in events_of_all for _ in range(2)]
    deliveries += [payment_requested(application_id) for application_id in applications]
    random.Random(seed).shuffle(deliveries)
    first, second = new_worker(), new_worker()
    await asyncio.gather(
        *(delivered((first, second)[number % 2].deliver, event) for number, event in enumerate(deliveries))
    )
    for event in events_of_all:
        await delivered(first.deliver, event)
    assert {await status(database, application_id) for application_id in applications} == {("disbursed", 4)}
    for application_id in applications:
        topics = [topic for topic, _ in await events(database, application_id)]
        assert topics == ["status.updated", "disbursement.completed"]
    await assert_books_agree(database, bank_url)


async def test_a_result_that_contradicts_the_record_is_neither_stored_nor_swallowed(
    worker, database, box, bank_url
):
    application_id = await store_application(database, box)
    await worker.deliver(payment_requested(application_id))
    paid = await disbursement(database, application_id)
    for _ in range(2):
        recorded = await worker.parts.results.record(paid["payment_id"], Declined("account_closed", AMOUNT))
        assert recorded is Recorded.CONTRADICTED
    assert await disbursement(database, application_id) == paid
    assert await cases(database, application_id) == [("payment_contradicted", "open")]
    await assert_books_agree(database, bank_url)


async def test_a_bank_that_breaks_its_contract_is_no_result_and_is_not_swallowed(
    worker, database, box, bank_url
):
    """The bank holds another order under our id: it refuses ours, and a person must look."""
    application_id = await store_application(database, box)
    event = payment_requested(application_id)
    submitted = await worker.parts.payments.request(event.envelope.event_id, application_id, AMOUNT)
    _, ours = submitted
    async with httpx.AsyncClient(base_url=bank_url) as client:
        order = {"amount": "1.00", "currency": "USD", "reference": "x", "payee": ours.payee}
        headers = {"idempotency-key": str(ours.payment_id)}
        (await client.post("/v1/payments", json=order, headers=headers)).raise_for_status()
    await worker.parts.desk.send(*submitted)
    assert worker.calls("pay", "unexpected") == 1
    assert (await disbursement(database, application_id))["state"] == "submitted"


@pytest.mark.parametrize("table", ["ledger_postings", "ledger_transfers"])
@pytest.mark.parametrize("edit", ["update {} set transfer_id = transfer_id", "delete from {}", "truncate {}"])
async def test_the_books_cannot_be_edited(worker, database, box, table, edit):
    await worker.deliver(payment_requested(await store_application(database, box)))
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match=f"permission denied for table {table}"):
        await database.execute(edit.format(table))


@pytest.mark.parametrize("again", [PaymentState.SUBMITTED, PaymentState.SETTLED, PaymentState.FAILED])
async def test_the_schema_itself_refuses_a_second_resolution_of_a_payment(worker, database, box, again):
    application_id = await store_application(database, box)
    await worker.deliver(payment_requested(application_id))
    paid = await disbursement(database, application_id)
    with pytest.raises(UniqueRule, match=r"ledger_transfers_(once_per_purpose|resolved_once)"):
        async with database.transaction() as connection:
            await book_payment(
                connection,
                again,
                AMOUNT,
                payment_id=paid["payment_id"],
                new_id=new_id,
                at=paid["finished_at"],
            )


async def test_a_transfer_that_does_not_balance_is_refused_by_the_schema(database):
    with pytest.raises(asyncpg.CheckViolationError, match="does not sum to zero"):
        await database.execute(
            "with transfer as (insert into ledger_transfers values ($1, $2, 'payment_submitted', now())) "
            "insert into ledger_postings values ($1, 'lender_funding', 'USD', -1)",
            new_id(),
            new_id(),
        )


async def test_no_event_and_no_description_of_an_order_shows_the_account(worker, database, box):
    application_id = await store_application(database, box)
    event = payment_requested(application_id)
    submitted = await worker.parts.payments.request(event.envelope.event_id, application_id, AMOUNT)
    _, order = submitted
    assert order.payee["accountNumber"] == ACCOUNT_NUMBER
    assert ACCOUNT_NUMBER not in repr(submitted)
    await worker.deliver(event)
    assert ACCOUNT_NUMBER not in str(await events(database, application_id))


async def test_a_step_of_a_payment_without_its_audit_entry_is_found(worker, database, box):
    application_id = await store_application(database, box)
    await worker.deliver(payment_requested(application_id))
    assert await missing_entries(database) == []
    await database.execute(
        "update disbursements set escalated_at = now() where application_id = $1", application_id
    )
    (found,) = await missing_entries(database)
    assert "payment.escalated" in found


async def missing_entries(database) -> list[str]:
    findings = [finding.sentence async for finding in check_coverage(database)]
    return [sentence for sentence in findings if "disbursements" in sentence]
