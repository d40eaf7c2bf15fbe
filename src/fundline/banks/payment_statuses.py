"""What each status of a payment means for us: the whole of two external code sets of ISO 20022, as of 2Q2026.

ExternalPaymentGroupStatus1Code is for messages and their parts, ExternalPaymentTransactionStatus1Code for transactions.
A code that stands in neither is no answer: the bank is asked again, and after a while a person.
"""

from collections.abc import Mapping
from enum import StrEnum


class Meaning(StrEnum):
    """What one statement of a bank says of a payment."""

    ON_THE_WAY = "on the way"
    """The bank has it; what becomes of it is open."""
    SETTLED = "settled"
    REJECTED = "rejected"
    """No money moves, and none will."""
    CAME_BACK = "came back"
    UNCLEAR = "unclear"
    """Nothing that a machine may conclude from: people look."""


_ON_THE_WAY, _SETTLED, _REJECTED, _UNCLEAR = (
    Meaning.ON_THE_WAY,
    Meaning.SETTLED,
    Meaning.REJECTED,
    Meaning.UNCLEAR,
)
GROUP_STATUSES: Mapping[str, Meaning] = {
    "ACCC": _SETTLED,  # settled on the creditor's account
    "ACCP": _ON_THE_WAY,  # technical check and customer profile are fine
    "ACSC": _SETTLED,  # settled on the debtor's account
    "ACSP": _ON_THE_WAY,  # accepted for execution
    "ACTC": _ON_THE_WAY,  # authentication and technical check are fine
    "ACWC": _ON_THE_WAY,  # accepted with a change, such as of the date
    "PART": _ON_THE_WAY,  # some accepted, some not yet: each transaction says its own
    "PDNG": _ON_THE_WAY,  # further checks follow
    "RCVC": _ON_THE_WAY,  # the payees' names are checked and agree
    "RCVD": _ON_THE_WAY,  # received
    "RJCT": _REJECTED,
    "RVCM": _ON_THE_WAY,  # the payees' names are checked, and some differ: the order waits for a word
    "RVNC": _ON_THE_WAY,  # the check of the payees' names goes on
}
TRANSACTION_STATUSES: Mapping[str, Meaning] = {
    "ACCC": _SETTLED,  # settled on the creditor's account
    "ACCP": _ON_THE_WAY,  # technical check and customer profile are fine
    "ACFC": _ON_THE_WAY,  # and there is money enough
    "ACFW": _ON_THE_WAY,  # and it waits for a confirmation of ours, which a person gives at the bank
    "ACIS": _ON_THE_WAY,  # a cheque is issued; nobody has cashed it
    "ACPD": _ON_THE_WAY,  # with the clearing
    "ACSC": _SETTLED,
    "ACSP": _ON_THE_WAY,  # accepted for execution
    "ACTC": _ON_THE_WAY,  # authentication and technical check are fine
    "ACWC": _ON_THE_WAY,  # accepted with a change, such as of the date
    "ACWP": _ON_THE_WAY,  # accepted by the payee's bank, and not on the payee's account yet
    "BLCK": _UNCLEAR,  # blocked after ACWP: neither paid to the payee nor returned to us
    "CANC": _REJECTED,  # cancelled at somebody's request before it was executed
    "CPUC": _SETTLED,  # the payee has fetched it in cash
    "PATC": _ON_THE_WAY,  # a further signature is missing, which a person gives at the bank
    "PDNG": _ON_THE_WAY,  # further checks follow
    "PRES": _ON_THE_WAY,  # a request to pay is before the debtor
    "RCVC": _ON_THE_WAY,  # the payee's name is checked and agrees
    "RCVD": _ON_THE_WAY,  # received
    "RJCT": _REJECTED,
    "RVCM": _ON_THE_WAY,  # the payee's name is checked and differs: the order waits for a word
    "RVMC": _ON_THE_WAY,  # the payee's name nearly agrees: the same
    "RVNA": _ON_THE_WAY,  # the payee's name cannot be checked: the same
    "RVNC": _ON_THE_WAY,  # the check of the payee's name goes on
    "RVNM": _ON_THE_WAY,  # the payee's name differs: the same
}
NOT_STATED, CANCELLED = "not_stated", "cancelled"
"""Our codes of a rejection without a reason, and of an order that somebody has cancelled."""
DECLINE_CODES: Mapping[str, str] = {
    "AC04": "account_closed",
    "AC03": "account_not_found",
    "AC06": "account_blocked",
    "AM02": "limit_exceeded",
    "AM04": "insufficient_funds",
}
"""ExternalStatusReason1Code to the codes of our events; any other passes as it is."""
