"""The sandbox bank returns what it has settled: a line of its own in the statement, behind what was booked before."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from fundline.outside.bank_sandbox.booking import accept, conclude_due, due_webhooks, epoch_ms
from fundline.outside.bank_sandbox.schemas import payment_answer, statement_line
from fundline.outside.bank_sandbox.store import (
    Order,
    Plan,
    count_all,
    find_payment,
    open_ledger,
    read_returns,
    read_statement,
)
from fundline.outside.bank_sandbox.webhooks import webhook_body

AT = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)


@pytest.fixture
def ledger(tmp_path):
    opened = open_ledger(tmp_path / "bank.sqlite")
    yield opened
    opened.close()


def book(ledger, plan, at=AT) -> str:
    order = Order(str(uuid4()), b"x", 100, "USD", "1234", "a loan", "2026-11-24T10:00:00Z")
    accept(ledger, order, plan, at, uuid4)
    return order.payment_id


@pytest.mark.parametrize("due_in_ms", [None, 1000])
def test_what_was_settled_comes_back_after_its_time_and_not_before(ledger, due_in_ms):
    due = None if due_in_ms is None else epoch_ms(AT) + due_in_ms
    payment_id = book(ledger, Plan(None, due, 1, return_after_ms=5000, return_code="account_closed"))
    settled_at = AT + timedelta(milliseconds=due_in_ms or 0)
    conclude_due(ledger, settled_at, uuid4)
    conclude_due(ledger, settled_at + timedelta(milliseconds=4999), uuid4)
    assert find_payment(ledger, payment_id).status == "settled"
    back_at = settled_at + timedelta(milliseconds=5000)
    conclude_due(ledger, back_at, uuid4)
    conclude_due(ledger, back_at + timedelta(days=1), uuid4)
    back = find_payment(ledger, payment_id)
    assert payment_answer(back) == {
        "paymentId": payment_id,
        "status": "returned",
        "amount": "1.00",
        "currency": "USD",
        "transactionId": back.transaction_id,
        "code": "account_closed",
    }
    assert count_all(ledger)["returned"] == 1
    bodies = [webhook_body(payment) for _, payment in due_webhooks(ledger, back_at + timedelta(days=1), 9)]
    assert {body["type"] for body in bodies} == {"payment.returned"}
    assert bodies[0]["data"]["code"] == "account_closed"


def test_the_statement_only_grows_and_each_page_goes_on_where_the_last_one_ended(ledger):
    first = book(ledger, Plan(return_after_ms=0, return_code="x"))
    second = book(ledger, Plan())
    conclude_due(ledger, AT, uuid4)
    third = book(ledger, Plan("account_closed"))
    lines = [(line.payment_id, line.status) for line in read_statement(ledger, 0, 100)]
    assert lines == [(first, "settled"), (second, "settled"), (first, "returned"), (third, "declined")]
    paged, after = [], 0
    while page := read_statement(ledger, after, 1):
        paged += [(line.payment_id, line.status) for line in page]
        after = page[-1].position
    assert paged == lines
    (back,) = read_returns(ledger, 0)
    assert statement_line(back)["bookedAt"] == back.returned_at
    assert read_returns(ledger, back.position) == []


def test_what_is_declined_never_comes_back(ledger):
    payment_id = book(ledger, Plan("account_closed", return_after_ms=0, return_code="x"))
    conclude_due(ledger, AT + timedelta(days=1), uuid4)
    assert find_payment(ledger, payment_id).status == "declined"
    assert read_returns(ledger, 0) == []
