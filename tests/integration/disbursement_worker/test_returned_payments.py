"""A settled payment comes back: booked, told, and a case; whether the bank tells us or is asked."""

import pytest

from fundline.banks.bank import Accepted, Declined, Returned, Settled
from fundline.commands.audit.coverage import check_coverage
from fundline.domain.money import Money
from fundline.records.agreement import disagreements
from fundline.services.disbursement_worker.results import Recorded
from support.approved_applications import AMOUNT, payment_requested, store_application
from support.books import balances, purposes
from support.payment import audited, cases, disbursement, events, status
from support.telling_bank import Telling

pytestmark = [
    pytest.mark.integration,
    pytest.mark.has_no_banks_ledger(
        "the bank is a stand-in that says what the test wants, and keeps no ledger"
    ),
]
BACK = Returned("txn_1", "account_closed", AMOUNT)


@pytest.fixture
async def bank():
    telling = Telling()
    telling.answers_to_pay = [Settled("txn_1", AMOUNT)]
    telling.answer_to_find = BACK
    return telling


async def assert_returned(database, application_id):
    record = await disbursement(database, application_id)
    assert (record["state"], record["transaction_id"], record["return_code"]) == (
        "returned",
        "txn_1",
        "account_closed",
    )
    assert record["next_step_at"] is None
    assert await status(database, application_id) == ("returned", 5)
    assert set((await balances(database)).values()) == {0}
    assert await purposes(database, record["payment_id"]) == [
        "payment_submitted",
        "payment_settled",
        "settlement_returned",
    ]
    topic, told = (await events(database, application_id))[-1]
    assert (topic, told["status"], told["metadata"]["returnCode"]) == (
        "status.updated",
        "returned",
        "account_closed",
    )
    assert await cases(database, application_id) == [("payment_returned", "open")]
    assert (await audited(database, application_id))[-2:] == ["payment.settled", "payment.returned"]
    assert [found async for found in check_coverage(database)] == []
    async with database.transaction() as connection:
        found = [one.sentence async for one in disagreements(connection)]
    assert [sentence for sentence in found if "disbursements" in sentence] == []


async def test_a_settled_payment_that_comes_back_is_booked_back_told_and_given_to_a_person(
    new_worker, database, box, bank
):
    application_id = await store_application(database, box)
    worker = new_worker(bank=bank)
    await worker.deliver(payment_requested(application_id))
    results = worker.parts.results
    payment_id = (await disbursement(database, application_id))["payment_id"]
    assert await results.record(payment_id, BACK) is Recorded.NOW
    assert await results.record(payment_id, BACK) is Recorded.BEFORE
    assert await results.record(payment_id, Settled("txn_1", AMOUNT)) is Recorded.BEFORE
    await assert_returned(database, application_id)


async def test_a_payment_of_which_we_hear_only_that_it_came_back_was_settled_before(
    new_worker, database, box, bank
):
    application_id = await store_application(database, box)
    bank.answers_to_pay = [Accepted()]
    worker = new_worker(bank=bank)
    await worker.deliver(payment_requested(application_id))
    await worker.sweep()
    await assert_returned(database, application_id)


async def test_the_fee_on_it_is_owed_no_more(new_worker, database, box, bank, owner):
    await owner.execute("update fee_policies set origination_basis_points = 150 where currency = 'USD'")
    application_id = await store_application(database, box)
    worker = new_worker(bank=bank)
    await worker.deliver(payment_requested(application_id))
    await owner.execute("update fee_policies set origination_basis_points = 700 where currency = 'USD'")
    payment_id = (await disbursement(database, application_id))["payment_id"]
    await worker.parts.results.record(payment_id, BACK)
    assert set((await balances(database)).values()) == {0}
    await owner.execute("update fee_policies set origination_basis_points = 0 where currency = 'USD'")


async def test_a_settled_payment_is_looked_up_when_somebody_asks_for_it_and_then_left_alone(
    new_worker, database, box, bank
):
    application_id = await store_application(database, box)
    worker = new_worker(bank=bank)
    await worker.deliver(payment_requested(application_id))
    assert await worker.sweep() == 0
    ask = "update disbursements set next_step_at = now() where application_id = $1"
    bank.answer_to_find = Settled("txn_1", AMOUNT)
    await database.execute(ask, application_id)
    assert await worker.sweep() == 1
    assert await worker.sweep() == 0
    assert (await disbursement(database, application_id))["state"] == "settled"

    bank.answer_to_find = None
    await database.execute(ask, application_id)
    assert await worker.sweep() == 1
    assert len(bank.orders) == 1, "a settled payment is never sent again"

    bank.answer_to_find = BACK
    await database.execute(ask, application_id)
    await worker.sweep()
    await assert_returned(database, application_id)


@pytest.mark.parametrize(
    "wrong",
    [
        Returned("txn_2", "account_closed", AMOUNT),
        Returned("txn_1", "account_closed", Money(1, "USD")),
        Declined("account_closed", AMOUNT),
    ],
)
async def test_a_return_that_does_not_agree_with_the_record_changes_nothing(
    new_worker, database, box, bank, wrong
):
    application_id = await store_application(database, box)
    worker = new_worker(bank=bank)
    await worker.deliver(payment_requested(application_id))
    payment_id = (await disbursement(database, application_id))["payment_id"]
    assert await worker.parts.results.record(payment_id, wrong) is Recorded.CONTRADICTED
    assert (await disbursement(database, application_id))["state"] == "settled"
    assert await cases(database, application_id) == [("payment_contradicted", "open")]
