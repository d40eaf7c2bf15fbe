"""Whether what the bank says agrees with what is on record, and the sentence for people when it does not."""

from fundline.banks.bank import BankResult, Declined, Returned, Unclear
from fundline.domain.money import Money
from fundline.domain.payment import FINISHED, WITH_THE_BANK
from fundline.services.disbursement_worker.store import Payment

LOST = "The bank had accepted the payment, and now says that it has never seen it; it is not sent again."


def contradiction(payment: Payment, result: BankResult | Unclear) -> str:
    """A sentence; empty when all is well."""
    if payment.state not in FINISHED | WITH_THE_BANK:
        return f"The bank gives a result for a payment that we have not sent: it is {payment.state}."
    if isinstance(result, Unclear):
        return result.said
    if payment.state in FINISHED and (payment.transaction_id, payment.failure_code) != fields(result):
        return f"The payment is on record as {payment.state}; the bank now says {description(result)}."
    if result.amount not in (None, payment.amount):
        return f"The payment is one of {_text(payment.amount)}; the bank speaks of {_text(result.amount)}."
    return ""


def description(result: BankResult) -> str:
    """`settled as txn_1, 1200.50 USD`."""
    if isinstance(result, Declined):
        what = f"declined, {result.code}"
    elif isinstance(result, Returned):
        what = f"settled as {result.transaction_id} and returned, {result.code}"
    else:
        what = f"settled as {result.transaction_id}"
    return what if result.amount is None else f"{what}, {_text(result.amount)}"


def fields(result: BankResult) -> tuple[str | None, str | None]:
    """Transaction id and failure code; one of them is None."""
    return (None, result.code) if isinstance(result, Declined) else (result.transaction_id, None)


def _text(amount: Money) -> str:
    return f"{amount.text()} {amount.currency}"
