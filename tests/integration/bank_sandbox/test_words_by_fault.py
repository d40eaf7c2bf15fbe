"""Faults of what the bank says: another amount than it has booked, and a payment that it has forgotten."""

import pytest

from fundline.banks.statement import whole_statement as bookings_of
from fundline.domain.money import Money
from support.bank import add_fault, whole_statement
from support.bank_ways import OVER_HTTP, order

pytestmark = pytest.mark.integration
OTHER_AMOUNT = {"statedAmount": "900.00", "statedCurrency": "EUR", "times": 1}


async def test_another_amount_is_answered_and_the_booking_is_the_order_s(bank_process, gateway):
    sent = order()
    await add_fault(bank_process.url, "other-amount", match={"reference": sent.reference}, **OTHER_AMOUNT)
    assert (await gateway.pay(sent)).amount == Money(90_000, "EUR")
    (line,) = [x for x in await whole_statement(bank_process.url) if x["paymentId"] == str(sent.payment_id)]
    assert (line["amount"], line["currency"]) == (sent.amount.text(), "USD")


@pytest.mark.parametrize("way", OVER_HTTP)
async def test_another_amount_is_told_to_who_asks(bank_process, gateway):
    """A file is written once: nobody asks there."""
    sent = order()
    assert (await gateway.pay(sent)).amount == sent.amount
    rule = {"operation": "find", "match": {"reference": sent.reference}, **OTHER_AMOUNT}
    await add_fault(bank_process.url, "other-amount", **rule)
    told = [(await gateway.find(sent.payment_id)).amount for _ in range(2)]
    assert told == [Money(90_000, "EUR"), sent.amount]


@pytest.mark.parametrize("way", OVER_HTTP)
async def test_the_statement_states_another_amount(bank_process, gateway):
    sent = order()
    await gateway.pay(sent)
    rule = {"operation": "statement", "match": {"reference": sent.reference}, **OTHER_AMOUNT}
    await add_fault(bank_process.url, "other-amount", **rule)
    lines = {booking.line.payment_id: booking.line.amount async for booking in bookings_of(gateway)}
    assert lines[sent.payment_id] == Money(90_000, "EUR")


@pytest.mark.parametrize("way", OVER_HTTP)
async def test_a_bank_that_forgets_has_never_seen_the_payment_and_finds_it_again(bank_process, gateway):
    sent = order()
    paid = await gateway.pay(sent)
    match = {"reference": sent.reference}
    await add_fault(bank_process.url, "forget", operation="find", times=1, match=match)
    assert await gateway.find(sent.payment_id) is None
    assert await gateway.find(sent.payment_id) == paid
