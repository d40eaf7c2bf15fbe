import pytest

from fundline.banks.sandbox import SandboxBank
from fundline.domain.money import Money
from fundline.platform.clock import new_id
from fundline.platform.kafka.messages import Poison, RetryLater
from support.approved_applications import AMOUNT, payment_requested, scoring_completed, store_application
from support.bank import bank_over_http, whole_statement
from support.books import assert_books_agree, balances, purposes
from support.payment import audited, disbursement, events, status

pytestmark = pytest.mark.integration


async def test_an_approved_application_is_paid_and_every_record_says_so(worker, database, box, bank_url):
    application_id = await store_application(database, box)
    await worker.deliver(payment_requested(application_id))
    record = await disbursement(database, application_id)
    assert record["state"] == "settled"
    assert await status(database, application_id) == ("disbursed", 4)
    (topic, moved), (done_topic, done) = await events(database, application_id)
    assert (topic, moved["status"], moved["sequence"]) == ("status.updated", "disbursed", 4)
    assert done_topic == "disbursement.completed"
    assert done["status"] == "completed"
    assert done["transactionId"] == record["transaction_id"]
    assert (done["amount"], done["currency"], done["error"]) == ("12500.00", "USD", None)
    assert await balances(database) == {
        ("lender_funding", "USD"): -1_250_000,
        ("disbursement_clearing", "USD"): 0,
        ("borrower_receivable", "USD"): 1_250_000,
    }
    assert worker.calls("pay", "settled") == 1
    await assert_books_agree(database, bank_url)


async def test_an_event_delivered_three_times_pays_once(worker, database, box, bank_url):
    application_id = await store_application(database, box)
    event = payment_requested(application_id)
    for _ in range(3):
        await worker.deliver(event)
    await worker.deliver(payment_requested(application_id))
    assert worker.calls("pay", "settled") == 1
    assert len(await events(database, application_id)) == 2
    await assert_books_agree(database, bank_url)


async def test_a_crash_before_the_bank_is_called_leads_to_one_payment_under_the_stored_id(
    worker, new_worker, database, box, bank_url
):
    application_id = await store_application(database, box)
    event = payment_requested(application_id)
    _, order = await worker.parts.payments.request(event.envelope.event_id, application_id, AMOUNT)
    second = new_worker()
    await second.deliver(event)
    await second.sweep()
    (line,) = await whole_statement(bank_url)
    assert line["paymentId"] == str(order.payment_id)
    await assert_books_agree(database, bank_url)


async def test_a_crash_after_the_bank_has_paid_is_resolved_by_asking_the_bank(
    worker, new_worker, database, box, bank_url
):
    application_id = await store_application(database, box)
    event = payment_requested(application_id)
    _, order = await worker.parts.payments.request(event.envelope.event_id, application_id, AMOUNT)
    await SandboxBank(worker.client).pay(order)
    second = new_worker()
    await second.sweep()
    assert second.calls("find", "settled") == 1
    assert second.calls("pay", "settled") is None
    await assert_books_agree(database, bank_url)


@pytest.mark.parametrize(
    ("fault", "found"),
    [("silent_after_booking", "settled"), ("silent_before_booking", "not_found"), ("broken", "not_found")],
)
async def test_a_bank_that_does_not_answer_leaves_the_payment_unknown_until_it_is_looked_up(
    new_worker, conduct, database, box, bank_url, fault, found
):
    application_id = await store_application(database, box)
    setattr(conduct, fault, True)
    await new_worker(timeout_s=0.5).deliver(payment_requested(application_id))
    before = await disbursement(database, application_id)
    assert before["state"] == "unknown"
    assert await status(database, application_id) == ("approved", 3)
    assert await purposes(database, before["payment_id"]) == ["payment_submitted"]

    setattr(conduct, fault, False)
    worker = new_worker()
    await worker.sweep()
    after = await disbursement(database, application_id)
    assert (after["state"], after["payment_id"]) == ("settled", before["payment_id"])
    assert worker.calls("find", found) == 1
    assert await audited(database, application_id) == [
        "payment.expected",
        "payment.requested",
        "payment.submitted",
        "payment.unknown",
        "payment.settled",
    ]
    await assert_books_agree(database, bank_url)


async def test_a_bank_that_stays_silent_keeps_the_payment_unknown_and_is_never_sent_a_second_id(
    new_worker, conduct, database, box
):
    application_id = await store_application(database, box)
    conduct.silent_before_booking = True
    worker = new_worker(timeout_s=0.3)
    await worker.deliver(payment_requested(application_id))
    first = await disbursement(database, application_id)
    for _ in range(3):
        assert await worker.sweep() == 1
    last = await disbursement(database, application_id)
    assert (last["state"], last["payment_id"]) == ("unknown", first["payment_id"])
    assert last["order_text"] == first["order_text"]


async def test_a_bank_that_is_not_there_is_tried_again_later(new_worker, database, box, bank_url):
    application_id = await store_application(database, box)
    await new_worker(url="http://127.0.0.1:9").deliver(payment_requested(application_id))
    assert (await disbursement(database, application_id))["state"] == "submitted"
    await new_worker().sweep()
    await assert_books_agree(database, bank_url)


async def test_a_busy_bank_is_tried_again_later(tmp_path, new_worker, database, box, bank_url):
    application_id = await store_application(database, box)
    async with bank_over_http(tmp_path / "busy.sqlite", max_in_process=0) as busy:
        worker = new_worker(url=busy)
        await worker.deliver(payment_requested(application_id))
    assert worker.calls("pay", "busy") == 1
    assert (await disbursement(database, application_id))["state"] == "submitted"
    await new_worker().sweep()
    await assert_books_agree(database, bank_url)


async def test_a_declined_payment_fails_the_application_and_gives_the_money_back(
    worker, database, box, bank_url
):
    application_id = await store_application(database, box, account_number="123450002")
    event = payment_requested(application_id)
    await worker.deliver(event)
    await worker.deliver(event)
    record = await disbursement(database, application_id)
    assert (record["state"], record["failure_code"]) == ("failed", "account_closed")
    assert await status(database, application_id) == ("failed", 4)
    assert await purposes(database, record["payment_id"]) == ["payment_submitted", "payment_returned"]
    assert set((await balances(database)).values()) == {0}
    _, done = (await events(database, application_id))[1]
    assert (done["status"], done["error"], done["transactionId"]) == ("failed", "account_closed", None)
    await assert_books_agree(database, bank_url)


@pytest.mark.parametrize("before", ["processing", "risk_scoring", "pending_review", "rejected"])
async def test_an_application_that_is_not_approved_is_never_paid(worker, database, box, bank_url, before):
    application_id = await store_application(database, box, status=before)
    with pytest.raises(RetryLater, match=f"is {before}, not approved"):
        await worker.deliver(payment_requested(application_id))
    assert await disbursement(database, application_id) is None
    assert await whole_statement(bank_url) == []


@pytest.mark.parametrize("asked", [Money(1_250_001, "USD"), Money(1_250_000, "EUR")])
async def test_an_event_that_asks_for_another_amount_is_poison(worker, database, box, bank_url, asked):
    application_id = await store_application(database, box)
    with pytest.raises(Poison, match="AmountDiffers"):
        await worker.deliver(payment_requested(application_id, asked))
    assert await disbursement(database, application_id) is None
    assert await whole_statement(bank_url) == []


async def test_an_unknown_application_is_poison_on_both_topics(worker):
    with pytest.raises(Poison, match="UnknownApplication"):
        await worker.deliver(payment_requested(new_id()))
    with pytest.raises(Poison, match="UnknownApplication"):
        await worker.deliver_score(scoring_completed(new_id()))


async def test_an_account_sealed_for_another_application_is_poison_and_nothing_is_sent(
    worker, database, box, bank_url
):
    application_id, other = [await store_application(database, box) for _ in range(2)]
    await database.execute(
        "update applications set payout_account = (select payout_account from applications where application_id = $2) "
        "where application_id = $1",
        application_id,
        other,
    )
    with pytest.raises(Poison, match="SealBroken"):
        await worker.deliver(payment_requested(application_id))
    assert await disbursement(database, application_id) is None
    assert await whole_statement(bank_url) == []
