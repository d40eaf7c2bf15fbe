"""The books: which postings each step of a payment causes. Debit is positive, credit negative.

A submitted payment waits in clearing until the bank has said what became of it; then it is resolved exactly once,
to what the borrower owes, or back to where it came from. Corrections are further transfers, never edits.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from fundline.domain.disbursement import DisbursementState
from fundline.domain.money import Money


class LedgerAccount(StrEnum):
    LENDER_FUNDING = "lender_funding"
    DISBURSEMENT_CLEARING = "disbursement_clearing"
    BORROWER_RECEIVABLE = "borrower_receivable"


class TransferPurpose(StrEnum):
    PAYMENT_SUBMITTED = "payment_submitted"
    PAYMENT_SETTLED = "payment_settled"
    PAYMENT_RETURNED = "payment_returned"


class LedgerRuleBroken(ValueError):
    """A transfer that would put the books out of balance; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Posting:
    """`amount.amount_minor` is positive for a debit, negative for a credit."""

    account: LedgerAccount
    amount: Money


@dataclass(frozen=True, slots=True)
class Transfer:
    """Postings that belong together. Raises LedgerRuleBroken unless they sum to zero in each currency."""

    purpose: TransferPurpose
    postings: tuple[Posting, ...]

    def __post_init__(self) -> None:
        unbalanced = {currency: total for currency, total in totals(self.postings).items() if total != 0}
        if unbalanced or not self.postings:
            raise LedgerRuleBroken(f"A transfer sums to zero in each currency, not to {unbalanced}.")


_DEBIT_AND_CREDIT: dict[DisbursementState, tuple[TransferPurpose, LedgerAccount, LedgerAccount]] = {
    DisbursementState.SUBMITTED: (
        TransferPurpose.PAYMENT_SUBMITTED,
        LedgerAccount.DISBURSEMENT_CLEARING,
        LedgerAccount.LENDER_FUNDING,
    ),
    DisbursementState.SETTLED: (
        TransferPurpose.PAYMENT_SETTLED,
        LedgerAccount.BORROWER_RECEIVABLE,
        LedgerAccount.DISBURSEMENT_CLEARING,
    ),
    DisbursementState.FAILED: (
        TransferPurpose.PAYMENT_RETURNED,
        LedgerAccount.LENDER_FUNDING,
        LedgerAccount.DISBURSEMENT_CLEARING,
    ),
}


def transfer_on(reached: DisbursementState, amount: Money) -> Transfer | None:
    """What the books record when a disbursement reaches a state; None for states that move no money."""
    if reached not in _DEBIT_AND_CREDIT:
        return None
    if amount.amount_minor <= 0:
        raise LedgerRuleBroken(f"A payment moves a positive amount, not {amount.text()}.")
    purpose, debit, credit = _DEBIT_AND_CREDIT[reached]
    return Transfer(
        purpose,
        (Posting(debit, amount), Posting(credit, Money(-amount.amount_minor, amount.currency))),
    )


def totals(postings: Sequence[Posting]) -> dict[str, int]:
    """Sum per currency, in minor units."""
    sums: Counter[str] = Counter()
    for posting in postings:
        sums[posting.amount.currency] += posting.amount.amount_minor
    return dict(sums)


def balances(transfers: Sequence[Transfer]) -> dict[tuple[LedgerAccount, str], int]:
    """Balance per account and currency, in minor units."""
    sums: Counter[tuple[LedgerAccount, str]] = Counter()
    for transfer in transfers:
        for posting in transfer.postings:
            sums[posting.account, posting.amount.currency] += posting.amount.amount_minor
    return dict(sums)
