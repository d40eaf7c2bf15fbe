"""What a bank says in ISO 20022, written by hand as banks write it, and not by the sandbox bank."""

from uuid import UUID

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


def transaction(
    status: str, *, reason: str = "", reference: str = REFERENCE, stated: str = STATED, key: str = KEY
) -> str:
    """Of a status report."""
    return (
        f"<TxInfAndSts><OrgnlInstrId>{key}</OrgnlInstrId><OrgnlEndToEndId>{key}</OrgnlEndToEndId>"
        f"<TxSts>{status}</TxSts>{reason}{reference}{stated}</TxInfAndSts>"
    )


def report(
    *transactions: str,
    group: str = "",
    group_reason: str = "",
    part: str = "",
    part_reason: str = "",
    version: str = REPORTS[0],
    key: str = KEY,
) -> bytes:
    """pain.002: a status for the whole message, for a part of it, and transactions."""
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


def at_level(level: str, status: str, reason: str = "", version: str = REPORTS[0]) -> bytes:
    """A report that gives the status at one of LEVELS."""
    if level == "group":
        return report(group=status, group_reason=reason, version=version)
    if level == "part":
        return report(part=status, part_reason=reason, version=version)
    return report(transaction(status, reason=reason), version=version)


def entry(
    direction: str = "DBIT",
    *,
    status: str = "BOOK",
    amount: str = "1000.00",
    currency: str = "EUR",
    reference: str = "B-1",
    entry_reference: str = "",
    reversal: str = "",
    returned: str = "",
    key: str = KEY,
    booked: str = "<DtTm>2026-11-24T10:15:00Z</DtTm>",
    version: str = NOTIFICATIONS[0],
) -> str:
    """Of a notification or a statement."""
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


def ledger(*entries: str, version: str = NOTIFICATIONS[0]) -> bytes:
    """camt.054, or camt.053 with its balance."""
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
