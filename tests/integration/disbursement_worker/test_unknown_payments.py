"""Promise 4: a silent bank makes a payment unknown, never failed; it is looked up, never sent under a new key."""

from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from fundline.banks.bank import Accepted, Declined, Settled
from fundline.platform.clock import new_id, utc_now
from fundline.records.cases import CaseKind, NewCase, open_case
from support.approved_applications import AMOUNT, payment_requested, store_application
from support.bank import whole_statement
from support.books import assert_books_agree
from support.payment import MovedClock, audited, cases, disbursement, status
from support.proxy import proxy_before
from support.telling_bank import Telling

pytestmark = pytest.mark.integration
FIFTEEN_MINUTES_S = 900


async def test_promise_4_the_bank_accepts_the_reply_is_dropped_and_the_look_up_settles_what_was_sent_once(
    new_worker, database, box, bank_url
):
    application_id = await store_application(database, box)
    bank = urlsplit(bank_url)
    async with proxy_before(bank.hostname, bank.port) as proxy:
        worker = new_worker(url=f"http://127.0.0.1:{proxy.listens_on}")
        proxy.lose_reply_to(b"POST /v1/payments")
        await worker.deliver(payment_requested(application_id))
        assert proxy.lost.is_set()
        unknown = await disbursement(database, application_id)
        assert unknown["state"] == "unknown"
        assert await status(database, application_id) == ("approved", 3)
        assert [line["paymentId"] for line in await whole_statement(bank_url)] == [str(unknown["payment_id"])]

        await worker.sweep()
    assert (await disbursement(database, application_id))["state"] == "settled"
    assert worker.calls("pay", "unanswered") == 1
    assert worker.calls("pay", "settled") is None, "it was sent exactly once"
    assert worker.calls("find", "settled") == 1
    await assert_books_agree(database, bank_url)


async def test_promise_4_an_order_that_never_arrived_is_sent_again_under_the_same_id_as_the_same_order(
    new_worker, database, box, bank_url
):
    application_id = await store_application(database, box)
    bank = urlsplit(bank_url)
    async with proxy_before(bank.hostname, bank.port) as proxy:
        worker = new_worker(url=f"http://127.0.0.1:{proxy.listens_on}")
        proxy.lose_request(b"POST /v1/payments")
        await worker.deliver(payment_requested(application_id))
        unknown = await disbursement(database, application_id)
        assert unknown["state"] == "unknown"
        assert await whole_statement(bank_url) == []
        proxy.pass_everything()
        await worker.sweep()
    paid = await disbursement(database, application_id)
    assert (paid["state"], paid["payment_id"], paid["order_text"]) == (
        "settled",
        unknown["payment_id"],
        unknown["order_text"],
    )
    await assert_books_agree(database, bank_url)


async def test_promise_4_after_fifteen_minutes_a_person_is_asked_once_and_the_look_ups_go_on_until_it_resolves(
    new_worker, conduct, database, box, bank_url
):
    application_id = await store_application(database, box)
    clock = MovedClock()
    conduct.silent_after_booking = True
    worker = new_worker(timeout_s=0.3, clock=clock)
    await worker.deliver(payment_requested(application_id))
    conduct.silent_after_booking = False
    clock.advance(FIFTEEN_MINUTES_S - 60)
    assert await worker.parts.sweep.escalate() == 0
    assert await cases(database, application_id) == []

    clock.advance(120)
    assert await worker.parts.sweep.escalate() == 1
    assert await worker.parts.sweep.escalate() == 0
    assert await cases(database, application_id) == [("payment_unknown", "open")]
    assert worker.metrics.registry.get_sample_value("fundline_payments_escalated_total") == 1
    assert (await disbursement(database, application_id))["state"] == "unknown", "unknown is never failed"

    await worker.sweep()
    assert (await disbursement(database, application_id))["state"] == "settled"
    assert await cases(database, application_id) == [("payment_unknown", "resolved")]
    assert await audited(database, application_id) == [
        "payment.expected",
        "payment.requested",
        "payment.submitted",
        "payment.unknown",
        "payment.escalated",
        "payment.settled",
    ]
    await assert_books_agree(database, bank_url)


async def test_a_payment_is_looked_up_forever_and_no_message_is_needed_for_it(new_worker, database, box):
    application_id = await store_application(database, box)
    bank, clock = Telling(), MovedClock()
    bank.answers_to_pay = [Accepted()]
    bank.answer_to_find = Accepted()
    worker = new_worker(bank=bank, clock=clock)
    await worker.deliver(payment_requested(application_id))
    for _ in range(30):
        assert await worker.sweep() == 1
    clock.advance(timedelta(days=3).total_seconds())
    bank.answer_to_find = Declined("account_closed", AMOUNT)
    await new_worker(bank=bank, clock=clock).sweep()
    assert (len(bank.orders), bank.looked_up) == (1, 31)
    assert (await disbursement(database, application_id))["state"] == "failed"
    assert await status(database, application_id) == ("failed", 4)


@pytest.mark.has_no_banks_ledger("the bank is a stand-in that says what the test wants, and keeps no ledger")
async def test_what_the_bank_has_accepted_stays_submitted_until_it_settles(new_worker, database, box):
    application_id = await store_application(database, box)
    bank = Telling()
    bank.answers_to_pay, bank.answer_to_find = [Accepted()], Accepted()
    worker = new_worker(bank=bank)
    await worker.deliver(payment_requested(application_id))
    await worker.sweep()
    assert (await disbursement(database, application_id))["state"] == "submitted"
    assert await status(database, application_id) == ("approved", 3)
    bank.answer_to_find = Settled("txn_1", AMOUNT)
    await worker.sweep()
    assert (await disbursement(database, application_id))["state"] == "settled"


@pytest.mark.has_no_banks_ledger("the bank is a stand-in that says what the test wants, and keeps no ledger")
async def test_an_order_that_the_bank_had_accepted_and_has_lost_is_for_a_person_and_never_sent_again(
    new_worker, database, box
):
    """A bank that was restored from yesterday may have paid what it does not know any more."""
    application_id = await store_application(database, box)
    bank = Telling()
    bank.answers_to_pay, bank.answer_to_find = [Accepted(), Settled("txn_2", AMOUNT)], None
    worker = new_worker(bank=bank)
    await worker.deliver(payment_requested(application_id))
    for _ in range(3):
        assert await worker.sweep() == 1
    assert len(bank.orders) == 1
    assert (await disbursement(database, application_id))["state"] == "submitted"
    assert await cases(database, application_id) == [("payment_contradicted", "open")]
    bank.answer_to_find = Settled("txn_1", AMOUNT)
    await worker.sweep()
    assert (await disbursement(database, application_id))["transaction_id"] == "txn_1"


@pytest.mark.has_no_banks_ledger("the bank is a stand-in that says what the test wants, and keeps no ledger")
async def test_a_case_that_the_reconciler_has_opened_ends_with_the_result_too(new_worker, database, box):
    """No worker ran when the fifteen minutes were over, so the payment itself was never escalated."""
    application_id = await store_application(database, box)
    bank = Telling()
    bank.answers_to_pay, bank.answer_to_find = [Accepted()], Settled("txn_1", AMOUNT)
    worker = new_worker(bank=bank)
    await worker.deliver(payment_requested(application_id))
    payment_id = (await disbursement(database, application_id))["payment_id"]
    case = NewCase(CaseKind.PAYMENT_UNKNOWN, str(payment_id), "Silent.", application_id)
    async with database.transaction() as connection:
        await open_case(connection, case, case_id=new_id(), opened_by="reconciler", at=utc_now())
    await worker.sweep()
    assert await cases(database, application_id) == [("payment_unknown", "resolved")]


async def test_a_payment_that_somebody_holds_is_escalated_later_and_holds_up_no_other(
    new_worker, database, box, owner
):
    held, free = [await store_application(database, box) for _ in range(2)]
    bank, clock = Telling(), MovedClock()
    bank.answers_to_pay = [Accepted(), Accepted()]
    worker = new_worker(bank=bank, clock=clock)
    for application_id in (held, free):
        await worker.deliver(payment_requested(application_id))
    clock.advance(FIFTEEN_MINUTES_S)
    async with owner.transaction():
        await owner.execute("select 1 from disbursements where application_id = $1 for update", held)
        assert await worker.parts.sweep.escalate() == 1
    assert await cases(database, held) == []
    assert await cases(database, free) == [("payment_unknown", "open")]
    assert await worker.parts.sweep.escalate() == 1
    assert await cases(database, held) == [("payment_unknown", "open")]


async def test_an_order_that_would_not_be_the_one_on_record_is_not_sent_again(
    new_worker, conduct, database, box, bank_url
):
    """The account of the application was replaced after the order had been stored."""
    application_id, other = [await store_application(database, box) for _ in range(2)]
    conduct.silent_before_booking = True
    worker = new_worker(timeout_s=0.3)
    await worker.deliver(payment_requested(application_id))
    conduct.silent_before_booking = False
    account = b'{"type": "us", "routingNumber": "021000021", "accountNumber": "111122223333"}'
    await database.execute(
        "update applications set payout_account = $2 where application_id = $1",
        application_id,
        box.seal(account, application_id),
    )
    await worker.sweep()
    assert (await disbursement(database, application_id))["state"] == "unknown"
    assert await whole_statement(bank_url) == []
    assert await disbursement(database, other) is None


async def test_the_stored_order_cannot_be_changed_and_names_no_account(worker, database, box):
    application_id = await store_application(database, box)
    await worker.deliver(payment_requested(application_id))
    stored = (await disbursement(database, application_id))["order_text"]
    assert "998877665544" not in stored
    for change in ("order_text = '{}'", "amount_minor = amount_minor + 1", "currency = 'EUR'"):
        with pytest.raises(Exception, match="stands"):
            await database.execute(
                f"update disbursements set {change} where application_id = $1",  # noqa: S608 - our own words
                application_id,
            )
