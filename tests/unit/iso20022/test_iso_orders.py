"""pain.001 as we write it and the bank reads it; and what is no message at all."""

import re
import time
from datetime import datetime, timedelta, timezone

import pytest

from fundline.banks.bank import (
    OrderInvalid,
)
from fundline.banks.profile import Debtor
from fundline.domain.money import Money
from fundline.outside.bank_sandbox.iso_messages import (
    MessageRefused,
    read_credit_transfer,
)
from fundline.platform.iso20022 import LIMIT_BYTES, MessageInvalid, MessageKind, read_message, write_message
from support.iso_payment import DEBTOR, IBAN, IBAN_PAYEE, PAYMENT, US_NUMBER, US_PAYEE, written


@pytest.mark.parametrize("payee", [US_PAYEE, IBAN_PAYEE])
@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (Money(120_050, "USD"), "1200.50"),
        (Money(1, "EUR"), "0.01"),
        (Money(750_000_000, "JPY"), "750000000"),
        (Money(400_000_000, "GBP"), "4000000.00"),
    ],
)
def test_the_bank_reads_the_order_that_we_wrote(payee, amount, text):
    payment_id, read = read_credit_transfer(written(payee, amount=amount))
    assert payment_id == PAYMENT
    assert (read.amount, read.currency, read.reference) == (text, amount.currency, "a loan")
    assert read.payee.model_dump(by_alias=True) == payee


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (Money(150_000, "JPY"), "150000"),
        (Money(120_050, "USD"), "1200.50"),
        (Money(7, "EUR"), "0.07"),
        (Money(100_000_000, "GBP"), "1000000.00"),
    ],
)
def test_the_control_sums_are_the_amount_in_the_currencys_own_decimals(amount, text):
    """A control sum in minor units passed every test, because they looked at yen only, which have none."""
    xml = written(IBAN_PAYEE, amount=amount).decode()
    assert f'<InstdAmt Ccy="{amount.currency}">{text}</InstdAmt>' in xml
    assert re.findall(r"<CtrlSum>(.*?)</CtrlSum>", xml) == [text, text]
    assert re.findall(r"<NbOfTxs>(.*?)</NbOfTxs>", xml) == ["1", "1"]


def test_every_identifier_is_the_payment_id_without_hyphens():
    xml = written().decode()
    for name in ("MsgId", "PmtInfId", "InstrId", "EndToEndId"):
        assert f"<{name}>{PAYMENT.hex}</{name}>" in xml


@pytest.mark.parametrize(
    "payee",
    [
        {"type": "iban", "iban": IBAN[:-1] + "8"},
        {"type": "us", "routingNumber": "021000022", "accountNumber": US_NUMBER},
        {"type": "us", "routingNumber": "021000021", "accountNumber": "12"},
        {"type": "cash"},
    ],
)
def test_an_account_with_wrong_check_digits_is_never_written_and_never_told(payee):
    with pytest.raises(OrderInvalid) as refused:
        written(payee)
    for value in payee.values():
        assert value not in str(refused.value).replace("payee", "")


@pytest.mark.parametrize("reference", ["", "x" * 141])
def test_an_order_that_breaks_a_rule_of_the_schema_is_never_sent(reference):
    with pytest.raises(OrderInvalid, match="RmtInf/Ustrd breaks SCHEMAV_CVC"):
        written(reference=reference)


def test_times_are_told_in_utc_wherever_the_process_runs(monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        late = datetime(2026, 11, 25, 0, 30, tzinfo=timezone(timedelta(hours=2)))
        xml = written(at=late).decode()
    finally:
        monkeypatch.undo()
        time.tzset()
    assert "<CreDtTm>2026-11-24T22:30:00.000Z</CreDtTm>" in xml
    assert "<Dt>2026-11-24</Dt>" in xml


def test_a_debtor_without_a_valid_bank_is_refused_at_the_start():
    with pytest.raises(ValueError, match="FUNDLINE_BANK_DEBTOR_BIC"):
        Debtor("Fundline", DEBTOR.iban, "COBA")


def test_a_debtor_without_a_valid_account_is_refused_at_the_start():
    with pytest.raises(ValueError, match="FUNDLINE_BANK_DEBTOR_IBAN"):
        Debtor("Fundline", "DE00370400440532013000", "COBADEFFXXX")


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (("<PmtMtd>TRF</PmtMtd>", "<PmtMtd>CASH</PmtMtd>"), "PmtInf/PmtMtd breaks SCHEMAV_CVC_ENUMERATION"),
        (("<IBAN>DE89", "<IBAN>de89"), "DbtrAcct/Id/IBAN breaks SCHEMAV_CVC_PATTERN"),
        (("COBADEFFXXX", "COBA"), "BICFI breaks SCHEMAV_CVC_PATTERN"),
        (('Ccy="USD"', 'Ccy="usd"'), "InstdAmt breaks SCHEMAV_CVC"),
        ((">1200.50</InstdAmt>", ">1200.505051</InstdAmt>"), "InstdAmt breaks SCHEMAV_CVC_FRACTIONDIGITS"),
        ((">1200.50</InstdAmt>", ">-1.00</InstdAmt>"), "InstdAmt breaks SCHEMAV_CVC_MININCLUSIVE"),
        (("<ChrgBr>SHAR</ChrgBr>", "<ChrgBr>ALL</ChrgBr>"), "ChrgBr breaks SCHEMAV_CVC_ENUMERATION"),
        ((f"<MsgId>{PAYMENT.hex}", f"<MsgId>{'x' * 36}"), "MsgId breaks SCHEMAV_CVC_MAXLENGTH"),
        (("<InitgPty><Nm>Fundline</Nm></InitgPty>", ""), "GrpHdr breaks SCHEMAV_ELEMENT_CONTENT"),
        (("<Dbtr>", "<Colour/><Dbtr>"), "PmtInf/Colour breaks SCHEMAV_ELEMENT_CONTENT"),
    ],
)
def test_the_bank_refuses_what_breaks_the_schema_and_names_the_place_without_the_value(change, rule):
    before, after = change
    broken = written().decode().replace(before, after)
    assert broken != written().decode()
    with pytest.raises(MessageRefused, match=re.escape(rule.rpartition(" breaks")[0])) as refused:
        read_credit_transfer(broken.encode())
    assert rule.rpartition("breaks ")[2] in str(refused.value)
    assert US_NUMBER not in str(refused.value)


@pytest.mark.parametrize(
    ("xml", "sentence"),
    [
        (b"", "not well-formed XML"),
        (b"<", "not well-formed XML"),
        (b"<Document/>", "it is not one of"),
        (b'{"weather": "fine"}', "not well-formed XML"),
        (
            b'<!DOCTYPE d [<!ENTITY e SYSTEM "file:///etc/hostname">]><Document>&e;</Document>',
            "it declares a document type",
        ),
        (
            b"<!DOCTYPE d [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;&a;'>]><Document>&b;</Document>",
            "it declares a document type",
        ),
    ],
)
def test_what_is_no_message_is_refused_and_entities_are_never_resolved(xml, sentence):
    with pytest.raises(MessageInvalid, match=sentence):
        read_message(xml, *MessageKind)


def padded(size_bytes: int) -> bytes:
    """A valid message with so many blanks behind it that it has this size."""
    return written().ljust(size_bytes, b" ")


def test_a_message_has_a_limit_on_its_size_and_one_of_that_size_is_read():
    """Without the limit every test passed: a large message was refused for being no message, too."""
    assert read_message(padded(LIMIT_BYTES), MessageKind.CREDIT_TRANSFER)
    with pytest.raises(MessageInvalid, match=f"^a message may have {LIMIT_BYTES} bytes$"):
        read_message(padded(LIMIT_BYTES + 1), MessageKind.CREDIT_TRANSFER)


def test_a_document_type_is_refused_even_around_a_valid_message():
    xml = written().replace(b"?>", b"?><!DOCTYPE Document [<!ENTITY e 'x'>]>", 1)
    with pytest.raises(MessageInvalid, match="document type"):
        read_message(xml, MessageKind.CREDIT_TRANSFER)


def test_a_message_of_another_kind_is_refused():
    with pytest.raises(MessageInvalid, match="not one of"):
        read_message(written(), MessageKind.STATUS_REPORT)


def test_writing_refuses_what_its_schema_does_not_know():
    with pytest.raises(
        MessageInvalid, match=r"^pain\.002\.001\.10: Document/CstmrPmtStsRpt/GrpHdr breaks SCHEMAV_"
    ):
        write_message(MessageKind.STATUS_REPORT, {"CstmrPmtStsRpt": {"GrpHdr": {"MsgId": "x"}}})
