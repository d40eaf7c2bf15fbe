"""Everything a bank may say of a payment in ISO 20022, and what we conclude: the table of statuses walked whole.

The messages are written here by hand, as banks write them, and not by the sandbox bank.
"""

import itertools
import json
from uuid import UUID

import pytest

from fundline.banks.bank import Accepted, BankAnswerUnexpected, Declined, Returned, Settled, Unclear
from fundline.banks.conclusion import Word, conclude
from fundline.banks.iso20022_reading import bookings, understand
from fundline.banks.payment_statuses import (
    CANCELLED,
    GROUP_STATUSES,
    NOT_STATED,
    TRANSACTION_STATUSES,
    Meaning,
)
from fundline.domain.money import Money

PAYMENT = UUID("01a20853-4432-72b9-b0b1-e353e0d43fd9")
KEY = PAYMENT.hex
OTHER = UUID(int=7).hex
AMOUNT = Money(100_000, "EUR")
REPORTS = ("pain.002.001.10", "pain.002.001.03")
NOTIFICATIONS = ("camt.054.001.08", "camt.054.001.04", "camt.054.001.02")
STATEMENTS = ("camt.053.001.08", "camt.053.001.04", "camt.053.001.02")
LEVELS = ("group", "part", "transaction")
_TRANSACTIONS_3 = {"ACTC", "RJCT", "PDNG", "ACCP", "ACSP", "ACSC", "ACWC"}
_GROUPS_3 = _TRANSACTIONS_3 | {"RCVD", "PART"}
IN_VERSION_3 = {"group": _GROUPS_3, "part": _GROUPS_3, "transaction": _TRANSACTIONS_3}
"""The schema of version 3 lists the statuses itself: TransactionGroupStatus3Code, TransactionIndividualStatus3Code."""
RJCT_AC04 = "<StsRsnInf><Rsn><Cd>AC04</Cd></Rsn></StsRsnInf>"
STATED = '<OrgnlTxRef><Amt><InstdAmt Ccy="EUR">1000.00</InstdAmt></Amt></OrgnlTxRef>'
REFERENCE = "<AcctSvcrRef>B-1</AcctSvcrRef>"


def transaction(status, *, reason="", reference=REFERENCE, stated=STATED, key=KEY):
    return (
        f"<TxInfAndSts><OrgnlInstrId>{key}</OrgnlInstrId><OrgnlEndToEndId>{key}</OrgnlEndToEndId>"
        f"<TxSts>{status}</TxSts>{reason}{reference}{stated}</TxInfAndSts>"
    )


def report(*transactions, group="", group_reason="", part="", part_reason="", version=REPORTS[0], key=KEY):
    group = f"<GrpSts>{group}</GrpSts>{group_reason}" if group else ""
    part = f"<PmtInfSts>{part}</PmtInfSts>{part_reason}" if part else ""
    parts = (
        f"<OrgnlPmtInfAndSts><OrgnlPmtInfId>{key}</OrgnlPmtInfId>{part}{''.join(transactions)}</OrgnlPmtInfAndSts>"
        if part or transactions
        else ""
    )
    return (
        f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:{version}"><CstmrPmtStsRpt>'
        "<GrpHdr><MsgId>S1</MsgId><CreDtTm>2026-11-24T10:15:00Z</CreDtTm></GrpHdr>"
        f"<OrgnlGrpInfAndSts><OrgnlMsgId>{key}</OrgnlMsgId><OrgnlMsgNmId>pain.001</OrgnlMsgNmId>{group}"
        f"</OrgnlGrpInfAndSts>{parts}</CstmrPmtStsRpt></Document>"
    ).encode()


def at_level(level, status, reason="", version=REPORTS[0]):
    if level == "group":
        return report(group=status, group_reason=reason, version=version)
    if level == "part":
        return report(part=status, part_reason=reason, version=version)
    return report(transaction(status, reason=reason), version=version)


def entry(
    direction="DBIT",
    *,
    status="BOOK",
    amount="1000.00",
    currency="EUR",
    reference="B-1",
    entry_reference="",
    reversal="",
    returned="",
    key=KEY,
    booked="<DtTm>2026-11-24T10:15:00Z</DtTm>",
    version=NOTIFICATIONS[0],
):
    stated = f'<Amt Ccy="{currency}">{amount}</Amt>'
    is_old, is_first = version.endswith((".02", ".04")), version.endswith(".02")
    state = f"<Sts>{status}</Sts>" if is_old else f"<Sts><Cd>{status}</Cd></Sts>"
    reversal = f"<RvslInd>{reversal}</RvslInd>" if reversal else ""
    entry_reference = f"<AcctSvcrRef>{entry_reference}</AcctSvcrRef>" if entry_reference else ""
    reference = f"<AcctSvcrRef>{reference}</AcctSvcrRef>" if reference else ""
    returned = f"<RtrInf><Rsn><Cd>{returned}</Cd></Rsn></RtrInf>" if returned else ""
    inner = f"<AmtDtls><TxAmt>{stated}</TxAmt></AmtDtls>" if is_first else stated
    side = "" if is_first else f"<CdtDbtInd>{direction}</CdtDbtInd>"
    return (
        f"<Ntry>{stated}<CdtDbtInd>{direction}</CdtDbtInd>{reversal}{state}<BookgDt>{booked}</BookgDt>{entry_reference}"
        "<BkTxCd><Prtry><Cd>1</Cd></Prtry></BkTxCd><NtryDtls><TxDtls>"
        f"<Refs>{reference}<EndToEndId>{key}</EndToEndId></Refs>{inner}{side}{returned}</TxDtls></NtryDtls></Ntry>"
    )


def ledger(*entries, version=NOTIFICATIONS[0]):
    is_statement = version.startswith("camt.053")
    outer, inner = ("BkToCstmrStmt", "Stmt") if is_statement else ("BkToCstmrDbtCdtNtfctn", "Ntfctn")
    made = "<CreDtTm>2026-11-24T23:00:00Z</CreDtTm>"
    balance = (
        '<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">1</Amt><CdtDbtInd>CRDT</CdtDbtInd>'
        "<Dt><Dt>2026-11-24</Dt></Dt></Bal>"
        if is_statement
        else ""
    )
    return (
        f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:{version}"><{outer}><GrpHdr><MsgId>N1</MsgId>{made}</GrpHdr>'
        f"<{inner}><Id>N1</Id>{made}<Acct><Id><Othr><Id>1</Id></Othr></Id></Acct>{balance}{''.join(entries)}</{inner}>"
        f"</{outer}></Document>"
    ).encode()


def expected_of(status, meaning, level):
    if meaning is Meaning.UNCLEAR:
        return Unclear(f"The bank gives the payment the status {status}.")
    if meaning is Meaning.REJECTED:
        code = CANCELLED if status == "CANC" else NOT_STATED
        return Declined(code, AMOUNT if level == "transaction" else None)
    if meaning is Meaning.SETTLED and level == "transaction":
        return Settled("B-1", AMOUNT)
    return Accepted()


@pytest.mark.parametrize("version", REPORTS)
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("status", sorted(GROUP_STATUSES.keys() | TRANSACTION_STATUSES.keys()))
def test_every_status_of_the_code_sets_has_its_meaning_at_every_level(status, level, version):
    table = TRANSACTION_STATUSES if level == "transaction" else GROUP_STATUSES
    xml = at_level(level, status, version=version)
    if status not in table or (version == REPORTS[1] and status not in IN_VERSION_3[level]):
        with pytest.raises(BankAnswerUnexpected):
            understand(PAYMENT, xml)
        return
    assert understand(PAYMENT, xml) == expected_of(status, table[status], level)


def test_the_tables_are_the_whole_code_sets():
    """As of 2Q2026: 13 statuses of groups, 25 of transactions."""
    assert (len(GROUP_STATUSES), len(TRANSACTION_STATUSES)) == (13, 25)
    assert all(status.isupper() and len(status) == 4 for status in GROUP_STATUSES | TRANSACTION_STATUSES)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("", NOT_STATED),
        ("<StsRsnInf><AddtlInf>Account DE75512108001245126199 is closed</AddtlInf></StsRsnInf>", NOT_STATED),
        ("<StsRsnInf><Rsn><Cd>AC04</Cd></Rsn></StsRsnInf>", "account_closed"),
        ("<StsRsnInf><Rsn><Cd>MS03</Cd></Rsn></StsRsnInf>", "MS03"),
        ("<StsRsnInf><Rsn><Prtry>X1</Prtry></Rsn><AddtlInf>as agreed</AddtlInf></StsRsnInf>", "X1"),
    ],
)
def test_a_rejection_ends_a_payment_at_every_level_with_or_without_its_reason(level, reason, code):
    answer = understand(PAYMENT, at_level(level, "RJCT", reason))
    assert answer == Declined(code, AMOUNT if level == "transaction" else None)


def test_a_settled_status_without_reference_or_amount_waits_for_its_booking():
    for missing in ({"reference": ""}, {"stated": ""}, {"reference": "", "stated": ""}):
        alone = report(transaction("ACSC", **missing))
        assert understand(PAYMENT, alone) == Accepted()
        assert understand(PAYMENT, alone, ledger(entry())) == Settled("B-1", AMOUNT)


@pytest.mark.parametrize("key", [KEY.upper(), KEY[:8] + KEY[8:].upper(), str(PAYMENT).replace("-", "", 1)])
def test_our_id_is_ours_however_the_bank_writes_it(key):
    assert understand(PAYMENT, report(transaction("ACSC", key=key), key=key)) == Settled("B-1", AMOUNT)
    assert understand(PAYMENT, ledger(entry(key=key))) == Settled("B-1", AMOUNT)
    assert understand(PAYMENT, report(group="RJCT", key=key)) == Declined(NOT_STATED)


@pytest.mark.parametrize("version", NOTIFICATIONS + STATEMENTS)
def test_a_booking_is_read_in_every_version_with_its_reference_in_either_place(version):
    for places in ({}, {"reference": "", "entry_reference": "B-1"}):
        xml = ledger(entry(version=version, **places), version=version)
        assert understand(PAYMENT, xml) == Settled("B-1", AMOUNT)
        (booking,) = bookings(xml, "a file")
        assert (booking.line.transaction_id, booking.line.amount) == ("B-1", AMOUNT)


@pytest.mark.parametrize("version", STATEMENTS)
def test_a_statement_that_says_days_only_stands_where_it_was_made(version):
    xml = ledger(entry(booked="<Dt>2026-11-24</Dt>", version=version), version=version)
    (booking,) = bookings(xml, "a file")
    assert booking.booked_at == "2026-11-24T23:00:00.000000+00:00"


@pytest.mark.parametrize("version", NOTIFICATIONS + STATEMENTS)
def test_what_is_not_booked_yet_is_on_its_way(version):
    assert understand(PAYMENT, ledger(entry(status="PDNG", version=version), version=version)) == Accepted()


DISAGREE = {
    "a debit called a reversal": [ledger(entry(reversal="true"))],
    "a debit called a return": [ledger(entry(returned="AC04"))],
    "a reversal alone": [ledger(entry("CRDT", reversal="true"))],
    "a part of the money came back": [ledger(entry(), entry("CRDT", amount="10.00", reference="B-2"))],
    "money that came back twice": [ledger(entry(), entry("CRDT", reference="B-2"), entry("CRDT", reference="B-3"))],
    "rejected and come back": [report(transaction("RJCT")), ledger(entry("CRDT", reference="B-2"))],
    "two debits": [ledger(entry(), entry(reference="B-2"))],
    "two amounts": [ledger(entry(), entry(amount="900.00"))],
    "two currencies": [ledger(entry(), entry(currency="USD"))],
    "a currency that nobody lends in": [ledger(entry(currency="CHF"))],
    "settled and rejected": [report(transaction("ACSC"), transaction("RJCT", reason=RJCT_AC04))],
    "rejected whole and settled": [report(transaction("ACSC"), group="RJCT")],
    "a part rejected and settled": [report(transaction("ACSC"), part="RJCT")],
    "two reasons": [
        report(transaction("RJCT", reason=RJCT_AC04), group="RJCT", group_reason=RJCT_AC04.replace("04", "06"))
    ],
    "reported as rejected and booked": [report(transaction("RJCT")), ledger(entry())],
    "reported and booked differently": [report(transaction("ACSC")), ledger(entry(reference="B-2"))],
    "reported and booked with two amounts": [report(transaction("ACSC")), ledger(entry(amount="900.00"))],
    "blocked": [report(transaction("BLCK"), transaction("ACSC"))],
}  # fmt: skip


@pytest.mark.parametrize("messages", DISAGREE.values(), ids=DISAGREE)
def test_what_does_not_agree_concludes_nothing_in_whichever_order_it_comes(messages):
    answers = {understand(PAYMENT, *order) for order in itertools.permutations(messages)}
    assert len(answers) == 1
    assert isinstance(answers.pop(), Unclear)


@pytest.mark.parametrize("version", NOTIFICATIONS + STATEMENTS)
@pytest.mark.parametrize(
    ("back", "code"),
    [
        ({"reversal": "true"}, NOT_STATED),
        ({"returned": "AC04"}, "account_closed"),
        ({"reversal": "true", "returned": "MS03"}, "MS03"),
        ({}, NOT_STATED),
    ],
)
def test_money_that_was_booked_and_came_back_is_returned_in_whichever_order(back, code, version):
    gone, came = entry(version=version), entry("CRDT", reference="B-2", version=version, **back)
    for entries in ((gone, came), (came, gone)):
        assert understand(PAYMENT, ledger(*entries, version=version)) == Returned("B-1", code, AMOUNT)
        lines = [booking.line for booking in bookings(ledger(*entries, version=version), "a file")]
        assert sorted((line.is_paid, line.is_returned, line.transaction_id) for line in lines) == [
            (False, True, "B-2"),
            (True, False, "B-1"),
        ]


def test_what_came_in_from_elsewhere_is_no_line_of_payments():
    assert bookings(ledger(entry("CRDT", key="invoice 7")), "a file") == ()


@pytest.mark.parametrize("text", ["1000", "1000.0", "1000.00", "1000.00000", "01000.00"])
def test_an_amount_is_the_same_however_many_zeros_it_has(text):
    assert understand(PAYMENT, ledger(entry(amount=text))) == Settled("B-1", AMOUNT)


def test_what_is_said_of_other_payments_counts_for_nothing():
    others = [transaction("RJCT", key=OTHER, reason=RJCT_AC04), transaction("ACSC")]
    assert understand(PAYMENT, report(*others)) == Settled("B-1", AMOUNT)
    assert understand(PAYMENT, ledger(entry("CRDT", key=OTHER), entry())) == Settled("B-1", AMOUNT)
    for xml in (report(group="RJCT", key=OTHER), ledger(entry(key="NOTPROVIDED")), ledger()):
        with pytest.raises(BankAnswerUnexpected, match="another payment"):
            understand(PAYMENT, xml)


WORDS = [
    Word(Meaning.ON_THE_WAY),
    Word(Meaning.SETTLED, "B-1", AMOUNT),
    Word(Meaning.SETTLED),
    Word(Meaning.SETTLED, "B-2", AMOUNT),
    Word(Meaning.SETTLED, "B-1", Money(90_000, "EUR")),
    Word(Meaning.REJECTED, None, AMOUNT, "AC04"),
    Word(Meaning.REJECTED),
    Word(Meaning.CAME_BACK, "B-3", AMOUNT, "AC04"),
    Word(Meaning.UNCLEAR, said="Odd."),
]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_no_order_of_what_was_said_matters_and_no_final_answer_hides_another(count):
    """A generated matrix: every answer that ends a payment is one that each word alone allows."""
    for words in itertools.combinations(WORDS, count):
        answers = {repr(conclude(order)) for order in itertools.permutations(words)}
        assert len(answers) == 1, words
        answer, meanings = conclude(words), {word.meaning for word in words}
        if isinstance(answer, Settled):
            assert meanings <= {Meaning.SETTLED, Meaning.ON_THE_WAY}
            assert {word.amount for word in words if word.amount} == {answer.amount}
        if isinstance(answer, Declined):
            assert meanings <= {Meaning.REJECTED, Meaning.ON_THE_WAY}
        if isinstance(answer, Returned):
            assert {Meaning.SETTLED, Meaning.CAME_BACK} <= meanings <= {*Meaning} - {Meaning.REJECTED}
        if {Meaning.SETTLED, Meaning.REJECTED} <= meanings:
            assert isinstance(answer, Unclear)


def test_a_rejection_in_words_takes_no_account_number_into_our_records():
    reason = "<StsRsnInf><AddtlInf>DE75512108001245126199</AddtlInf></StsRsnInf>"
    assert "DE7551" not in json.dumps(repr(understand(PAYMENT, at_level("transaction", "RJCT", reason))))
