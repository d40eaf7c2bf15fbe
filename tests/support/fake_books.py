"""A small set of books in agreement with a bank's statement, for breaking in one place at a time."""

from uuid import UUID

from fundline.demo.books import ApplicationState, Books
from fundline.domain.application import ApplicationStatus
from fundline.domain.money import Money
from fundline.domain.payment import PaymentState
from fundline.records.books import LedgerKey, Payment, StatementLine

PAID, FAILED, REFERRED = UUID(int=1), UUID(int=2), UUID(int=3)
PAID_PAYMENT, FAILED_PAYMENT = UUID(int=11), UUID(int=12)
AMOUNT = Money(5_000_000, "USD")


def settled_payment() -> Payment:
    return Payment(PAID_PAYMENT, PAID, AMOUNT, PaymentState.SETTLED, "txn_1")


def failed_payment() -> Payment:
    return Payment(FAILED_PAYMENT, FAILED, AMOUNT, PaymentState.FAILED, None)


def paid_line(payment_id: UUID = PAID_PAYMENT, transaction_id: str = "txn_1") -> StatementLine:
    return StatementLine(payment_id, True, AMOUNT, transaction_id, str(PAID))


def declined_line() -> StatementLine:
    return StatementLine(FAILED_PAYMENT, False, AMOUNT, None, str(FAILED))


def agreeing_books() -> Books:
    """One paid, one whose payment the bank declined, one referred to a person."""
    return Books(
        unbalanced_transfers=0,
        transfers=4,
        postings=8,
        balances={
            LedgerKey(PAID_PAYMENT, "lender_funding", "USD"): -AMOUNT.amount_minor,
            LedgerKey(PAID_PAYMENT, "disbursement_clearing", "USD"): 0,
            LedgerKey(PAID_PAYMENT, "borrower_receivable", "USD"): AMOUNT.amount_minor,
            LedgerKey(FAILED_PAYMENT, "lender_funding", "USD"): 0,
            LedgerKey(FAILED_PAYMENT, "disbursement_clearing", "USD"): 0,
        },
        payments=(settled_payment(), failed_payment()),
        applications={
            PAID: ApplicationState(ApplicationStatus.DISBURSED, 4),
            FAILED: ApplicationState(ApplicationStatus.FAILED, 4),
            REFERRED: ApplicationState(ApplicationStatus.PENDING_REVIEW, 3),
        },
    )


def agreeing_statement() -> list[StatementLine]:
    return [paid_line(), declined_line()]
