"""The books: which postings each step of a payment causes. Debit is positive, credit negative.

A submitted payment waits in clearing until the bank has said what became of it; then it is resolved exactly once,
to what the borrower owes, or back to where it came from. A fee is owed on top of what was paid out. A settled payment
that comes back is booked back with its fee. Corrections are further transfers that name the one they correct, never
edits.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from fundline.domain.money import Money
from fundline.domain.payment import PaymentState


class LedgerAccount(StrEnum):
    """The accounts that every chart has; further funding sources are rows of it."""

    LENDER_FUNDING = "lender_funding"
    DISBURSEMENT_CLEARING = "disbursement_clearing"
    BORROWER_RECEIVABLE = "borrower_receivable"
    FEE_INCOME = "fee_income"


class AccountKind(StrEnum):
    ASSET = "asset"
    LIABILITY = "liability"
    INCOME = "income"

    def allows(self, balance_minor: int) -> bool:
        """An asset is never negative; what is owed or earned stands on the credit side, and is never positive."""
        return balance_minor >= 0 if self is AccountKind.ASSET else balance_minor <= 0


class TransferPurpose(StrEnum):
    PAYMENT_SUBMITTED = "payment_submitted"
    PAYMENT_SETTLED = "payment_settled"
    PAYMENT_RETURNED = "payment_returned"
    FEE_CHARGED = "fee_charged"
    SETTLEMENT_RETURNED = "settlement_returned"
    """A settled payment came back: the borrower owes it no more."""
    FEE_RETURNED = "fee_returned"
    """Nor the fee on it."""
    REVERSAL = "reversal"
    """Undoes another transfer, posting by posting."""
    CORRECTION = "correction"
    """Stands in the place of a transfer that was reversed."""


class LedgerRuleBroken(ValueError):
    """A transfer that would put the books out of balance; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Posting:
    """`account` is a name of the chart; `amount.amount_minor` is positive for a debit, negative for a credit."""

    account: str
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


def transfer_on(
    reached: PaymentState,
    amount: Money,
    *,
    funding: str = LedgerAccount.LENDER_FUNDING,
    was_submitted: bool = True,
) -> Transfer | None:
    """What the books record when a payment reaches a state; None for states that move no money.

    `funding` is the account of the lender whose money it is. A payment that fails and `was_submitted` never has moved
    nothing, so that nothing comes back.
    """
    clearing, receivable = LedgerAccount.DISBURSEMENT_CLEARING, LedgerAccount.BORROWER_RECEIVABLE
    match reached:
        case PaymentState.SUBMITTED:
            return _moved(TransferPurpose.PAYMENT_SUBMITTED, amount, debit=clearing, credit=funding)
        case PaymentState.SETTLED:
            return _moved(TransferPurpose.PAYMENT_SETTLED, amount, debit=receivable, credit=clearing)
        case PaymentState.FAILED if was_submitted:
            return _moved(TransferPurpose.PAYMENT_RETURNED, amount, debit=funding, credit=clearing)
        case PaymentState.RETURNED:
            return _moved(TransferPurpose.SETTLEMENT_RETURNED, amount, debit=funding, credit=receivable)
        case _:
            return None


def fee_returned(fee: Money) -> Transfer:
    """What was charged on a payment that came back is owed no more."""
    return _moved(
        TransferPurpose.FEE_RETURNED,
        fee,
        debit=LedgerAccount.FEE_INCOME,
        credit=LedgerAccount.BORROWER_RECEIVABLE,
    )


def origination_fee(amount: Money, basis_points: int) -> Transfer | None:
    """What a borrower owes on top of a paid amount: hundredths of a per cent, rounded half up to the minor unit.

    None when that is nothing.
    """
    fee_minor = (amount.amount_minor * basis_points + 5_000) // 10_000
    if fee_minor == 0:
        return None
    return _moved(
        TransferPurpose.FEE_CHARGED,
        Money(fee_minor, amount.currency),
        debit=LedgerAccount.BORROWER_RECEIVABLE,
        credit=LedgerAccount.FEE_INCOME,
    )


def reversal_of(postings: Sequence[Posting]) -> Transfer:
    """Undoes a transfer with these postings."""
    return Transfer(
        TransferPurpose.REVERSAL,
        tuple(Posting(p.account, Money(-p.amount.amount_minor, p.amount.currency)) for p in postings),
    )


def _moved(purpose: TransferPurpose, amount: Money, *, debit: str, credit: str) -> Transfer:
    if amount.amount_minor <= 0:
        raise LedgerRuleBroken(f"A transfer moves a positive amount, not {amount.text()}.")
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


def balances(transfers: Sequence[Transfer]) -> dict[tuple[str, str], int]:
    """Balance per account and currency, in minor units."""
    sums: Counter[tuple[str, str]] = Counter()
    for transfer in transfers:
        for posting in transfer.postings:
            sums[posting.account, posting.amount.currency] += posting.amount.amount_minor
    return dict(sums)
