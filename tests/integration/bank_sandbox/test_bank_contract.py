"""One suite for every way to a bank, against the bank as it runs in the fleet: its own API, ISO 20022 twice.

It pays and finds here; it reads the statement in test_bank_statement_contract.py.
"""

import asyncio
from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry

from fundline.banks.bank import (
    Accepted,
    BankAnswerUnexpected,
    BankBusy,
    Declined,
    OrderInvalid,
    Returned,
    Settled,
)
from fundline.banks.guard import GuardedBank
from fundline.banks.statement import START
from fundline.banks.statement import whole_statement as bookings_of
from fundline.domain.money import Money
from fundline.platform.clock import new_id
from fundline.platform.http.client import CallNotSent, CallUnanswered
from fundline.platform.telemetry.metrics import Metrics
from support.bank import add_fault, whole_statement
from support.bank_ways import IBAN_PAYEE, OVER_HTTP, SHORT_S, US_PAYEE, order, until_final
from support.ports import free_port

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(
    ("payee", "amount", "currency"),
    [(US_PAYEE, "1200.50", "USD"), (IBAN_PAYEE, "0.01", "EUR"), (IBAN_PAYEE, "750000000", "JPY")],
)
async def test_a_payment_is_settled_and_its_id_is_the_statement_s(
    bank_process, gateway, payee, amount, currency
):
    sent = order(payee, amount, currency)
    result = await gateway.pay(sent)
    assert isinstance(result, Settled)
    assert result.amount == sent.amount
    assert await gateway.find(sent.payment_id) == result
    (line,) = [x for x in await whole_statement(bank_process.url) if x["paymentId"] == str(sent.payment_id)]
    assert (line["transactionId"], line["amount"], line["currency"]) == (
        result.transaction_id,
        amount,
        currency,
    )
    assert (line["reference"], line["payeeLast4"]) == (sent.reference, [*payee.values()][-1][-4:])


@pytest.mark.parametrize("code", ["account_closed", "insufficient_funds", "an_odd_one"])
async def test_a_decline_has_the_bank_s_code_when_paid_and_when_asked(bank_process, gateway, code):
    sent = order()
    await add_fault(bank_process.url, "decline", code=code, match={"reference": sent.reference})
    assert await gateway.pay(sent) == Declined(code, sent.amount)
    assert await gateway.find(sent.payment_id) == Declined(code, sent.amount)


async def test_the_sandbox_s_test_account_is_declined(gateway):
    closed = {"type": "us", "routingNumber": "021000021", "accountNumber": "123450002"}
    sent = order(closed)
    assert await gateway.pay(sent) == Declined("account_closed", sent.amount)


async def test_an_order_that_the_bank_will_settle_later_is_accepted_when_paid_and_when_asked(
    bank_process, gateway
):
    sent = order()
    await add_fault(bank_process.url, "settle-later", delayMs=600_000, match={"reference": sent.reference})
    assert await gateway.pay(sent) == Accepted()
    assert await gateway.find(sent.payment_id) == Accepted()
    assert await gateway.pay(sent) == Accepted()
    assert str(sent.payment_id) not in {line["paymentId"] for line in await whole_statement(bank_process.url)}


@pytest.mark.parametrize("code", [None, "account_blocked"])
async def test_an_accepted_payment_gets_its_result_later(bank_process, gateway, code):
    sent = order()
    match = {"reference": sent.reference}
    await add_fault(bank_process.url, "settle-later", delayMs=300, match=match)
    if code:
        await add_fault(bank_process.url, "decline", code=code, match=match)
    await gateway.pay(sent)
    result = await until_final(gateway, sent.payment_id)
    assert result == Declined(code, sent.amount) if code else isinstance(result, Settled)
    assert result.amount == sent.amount


@pytest.mark.parametrize("later", [False, True])
async def test_a_payment_that_comes_back_is_returned_when_asked_and_has_a_line_of_its_own(
    bank_process, gateway, later
):
    sent = order()
    match = {"reference": sent.reference}
    if later:
        await add_fault(bank_process.url, "settle-later", delayMs=300, match=match)
    await add_fault(bank_process.url, "return-later", delayMs=300, code="account_closed", match=match)
    await gateway.pay(sent)
    back = await until_final(gateway, sent.payment_id, Returned)
    assert (back.code, back.amount) == ("account_closed", sent.amount)
    async with asyncio.timeout(30):
        lines = []
        while len(lines) < 2:
            lines = [one.line async for one in bookings_of(gateway) if one.line.payment_id == sent.payment_id]
            await asyncio.sleep(0.1)
    assert [(line.is_paid, line.is_returned) for line in lines] == [(True, False), (False, True)]
    assert lines[0].transaction_id == back.transaction_id
    assert {line.amount for line in lines} == {sent.amount}


async def test_a_payment_the_bank_has_never_seen_is_none(gateway):
    assert await gateway.find(new_id()) is None


async def test_the_same_order_twice_is_one_payment_with_one_result(bank_process, gateway):
    sent = order()
    first = await gateway.pay(sent)
    assert await gateway.pay(sent) == first
    lines = [x for x in await whole_statement(bank_process.url) if x["paymentId"] == str(sent.payment_id)]
    assert len(lines) == 1


@pytest.mark.parametrize("way", OVER_HTTP)
async def test_another_order_under_a_used_id_is_no_result_of_either(gateway):
    sent = order()
    first = await gateway.pay(sent)
    with pytest.raises(BankAnswerUnexpected):
        await gateway.pay(replace(sent, amount=Money(1, "USD")))
    assert await gateway.find(sent.payment_id) == first


@pytest.mark.parametrize(("kind", "is_booked"), [("timeout-before", False), ("timeout-after", True)])
async def test_a_silent_bank_is_unanswered_and_a_look_up_brings_the_truth(
    bank_process, to_bank, way, kind, is_booked
):
    sent = order()
    await add_fault(bank_process.url, kind, match={"reference": sent.reference}, times=1)
    with pytest.raises(CallUnanswered):
        await to_bank(way, timeout_s=SHORT_S).pay(sent)
    gateway = to_bank(way)
    if is_booked or way == "iso-files":  # the bank goes on with a file that it has taken
        assert isinstance(await until_final(gateway, sent.payment_id), Settled)
    else:
        assert await gateway.find(sent.payment_id) is None
    lines = [x for x in await whole_statement(bank_process.url) if x["paymentId"] == str(sent.payment_id)]
    assert len(lines) == (1 if is_booked or way == "iso-files" else 0)


@pytest.mark.parametrize("way", OVER_HTTP)
@pytest.mark.parametrize(
    ("kind", "is_booked"),
    [
        ("reset-before", False),
        ("reset-after", True),
        ("error-before", False),
        ("error-after", True),
        ("outage", False),
    ],
)
async def test_a_reset_or_a_server_error_after_sending_is_unanswered(bank_process, gateway, kind, is_booked):
    sent = order()
    await add_fault(bank_process.url, kind, match={"paymentId": str(sent.payment_id)}, times=1)
    with pytest.raises(CallUnanswered):
        await gateway.pay(sent)
    found = await gateway.find(sent.payment_id)
    assert isinstance(found, Settled) if is_booked else found is None


@pytest.mark.parametrize("way", OVER_HTTP)
@pytest.mark.parametrize("kind", ["rate-limit", "closed"])
async def test_a_busy_bank_has_booked_nothing_and_says_so(bank_process, gateway, kind):
    sent = order()
    await add_fault(bank_process.url, kind, match={"reference": sent.reference}, times=1)
    with pytest.raises(BankBusy):
        await gateway.pay(sent)
    assert await gateway.find(sent.payment_id) is None
    assert isinstance(await gateway.pay(sent), Settled)


@pytest.mark.parametrize("way", OVER_HTTP)
@pytest.mark.parametrize("operation", ["pay", "find"])
async def test_an_answer_of_no_contract_is_unexpected(bank_process, gateway, operation):
    sent = order()
    match = {"paymentId": str(sent.payment_id)}
    await add_fault(bank_process.url, "nonsense", operation=operation, match=match, times=1)
    if operation == "find":
        await gateway.pay(sent)
    with pytest.raises(BankAnswerUnexpected):
        await (gateway.pay(sent) if operation == "pay" else gateway.find(sent.payment_id))
    assert isinstance(await gateway.find(sent.payment_id), Settled)


async def test_a_bank_that_is_not_there_is_not_reached(to_bank, way, tmp_path):
    gateway = to_bank(way, bank_url=f"http://127.0.0.1:{free_port()}", bank_iso_folder=tmp_path / "none")
    with pytest.raises(CallNotSent):
        await gateway.pay(order())
    with pytest.raises(CallNotSent):
        await gateway.statement(START, 10)


async def test_an_account_with_wrong_check_digits_is_never_sent(bank_process, gateway):
    wrong = order({"type": "iban", "iban": "DE75512108001245126198"})
    with pytest.raises(OrderInvalid) as refused:
        await gateway.pay(wrong)
    assert "DE7551" not in f"{refused.value} {refused.value!r}"
    assert await gateway.find(wrong.payment_id) is None


async def test_every_call_is_counted_by_its_result(bank_process, to_bank, way, tmp_path):
    metrics = Metrics(CollectorRegistry())
    gateway = GuardedBank("bank", to_bank(way), metrics)
    sent = order()
    await gateway.pay(sent)
    await gateway.find(sent.payment_id)
    await gateway.find(new_id())
    await gateway.statement(START, 1)
    nowhere = to_bank(way, bank_url=f"http://127.0.0.1:{free_port()}", bank_iso_folder=tmp_path / "none")
    with pytest.raises(CallNotSent):
        await GuardedBank("bank", nowhere, metrics).statement(START, 1)

    def count(operation, result):
        labels = {"operation": operation, "result": result}
        return metrics.registry.get_sample_value("fundline_bank_calls_total", labels)

    assert (count("pay", "settled"), count("find", "settled"), count("find", "not_found")) == (1, 1, 1)
    assert (count("statement", "read"), count("statement", "not_sent")) == (1, 1)
