"""A bank that says what does not agree: nothing ends the payment until people have resolved the case."""

import pytest

from fundline.banks.bank import Accepted, Declined, Settled, Unclear
from fundline.commands.audit.coverage import check_coverage
from fundline.domain.money import Money
from support.approved_applications import AMOUNT, payment_requested, store_application
from support.payment import cases, disbursement, status
from support.telling_bank import Telling

pytestmark = pytest.mark.integration
OTHER = Money(900_000, "USD")


@pytest.mark.has_no_banks_ledger("the bank is a stand-in that says what the test wants, and keeps no ledger")
@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (Settled("txn_1", OTHER), "speaks of 9000.00 USD"),
        (Settled("txn_1", Money(1_250_000, "EUR")), "speaks of 12500.00 EUR"),
        (Declined("account_closed", OTHER), "speaks of 9000.00 USD"),
        (Unclear("The bank says two things."), "The bank says two things."),
    ],
)
@pytest.mark.parametrize("when", ["paid", "looked up"])
async def test_an_answer_that_does_not_agree_with_the_order_holds_the_payment_until_people_have_resolved_it(
    new_worker, database, box, wrong, sentence, when
):
    application_id = await store_application(database, box)
    bank = Telling()
    bank.answers_to_pay = [wrong if when == "paid" else Accepted()]
    bank.answer_to_find = wrong
    worker = new_worker(bank=bank)
    await worker.deliver(payment_requested(application_id))
    await worker.sweep()
    bank.answer_to_find = Settled("txn_1", AMOUNT)
    for _ in range(3):
        assert await worker.sweep() == 1
    assert (await disbursement(database, application_id))["state"] == "submitted"
    assert await status(database, application_id) == ("approved", 3)
    assert await cases(database, application_id) == [("payment_contradicted", "open")]
    case = await database.fetchrow("select * from cases where application_id = $1", application_id)
    assert sentence in case["summary"]

    await database.execute(
        "update cases set state = 'resolved', resolved_by = 'b', resolved_at = now(), resolution = 'asked the bank' "
        "where case_id = $1",
        case["case_id"],
    )
    await worker.sweep()
    assert (await disbursement(database, application_id))["state"] == "settled"


@pytest.mark.has_no_banks_ledger("the bank is a stand-in that says what the test wants, and keeps no ledger")
async def test_each_further_different_contradiction_is_on_record_in_the_case_and_in_the_trail(
    new_worker, database, box
):
    application_id = await store_application(database, box)
    bank = Telling()
    bank.answers_to_pay = [Settled("txn_1", OTHER)]
    worker = new_worker(bank=bank)
    await worker.deliver(payment_requested(application_id))
    for answer in (
        Settled("txn_1", OTHER),
        Unclear("Settled and rejected."),
        Unclear("Settled and rejected."),
        Declined("account_closed", AMOUNT),
        Declined("account_closed", AMOUNT),
        Settled("txn_1", OTHER),
    ):
        bank.answer_to_find = answer
        await worker.sweep()
    notes = await database.fetch("select sentence from case_notes order by note_id")
    assert [note["sentence"] for note in notes] == [
        "Settled and rejected.",
        "The bank now says declined, account_closed, 12500.00 USD.",
    ]
    entries = await database.fetch(
        "select action, reason from audit_entries where stream = $1 and action like 'case.%' order by sequence",
        f"application:{application_id}",
    )
    assert [entry["action"] for entry in entries] == ["case.opened", "case.noted", "case.noted"]
    assert [entry["reason"] for entry in entries[1:]] == [note["sentence"] for note in notes]
    assert (await disbursement(database, application_id))["state"] == "submitted"
    assert [found async for found in check_coverage(database)] == []
