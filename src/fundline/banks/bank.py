"""What we say to a bank, what it answers, and the protocol that each adapter implements."""

from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from fundline.banks.statement import StatementPage
from fundline.domain.money import Money
from fundline.records.accounts import IbanAccount, PayoutAccount, UsAccount

_ACCOUNT: TypeAdapter[IbanAccount | UsAccount] = TypeAdapter(PayoutAccount)


class OrderInvalid(ValueError):
    """The order breaks a rule of the payment's form; nothing was sent, and no repetition can help."""


@dataclass(frozen=True, slots=True)
class PaymentOrder:
    """`payment_id` is the bank's idempotency key; `payee` the account as the applicant gave it, in clear; `payee_name`
    the business's legal name.
    """

    payment_id: UUID
    amount: Money
    payee: dict[str, Any]
    reference: str
    payee_name: str

    def account(self) -> IbanAccount | UsAccount:
        """The payee's account, its check digits right. Raises OrderInvalid, which does not say the number."""
        try:
            return _ACCOUNT.validate_python(self.payee)
        except ValidationError:
            raise OrderInvalid(f"payment {self.payment_id}: the payee's account is not valid") from None

    def __repr__(self) -> str:  # the account must not reach a log by way of an exception
        return f"PaymentOrder({self.payment_id}, {self.amount.text()} {self.amount.currency})"


@dataclass(frozen=True, slots=True)
class Settled:
    transaction_id: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Declined:
    """`amount` None: the bank has refused the message as a whole, and names no amount. No money has moved."""

    code: str
    amount: Money | None = None


@dataclass(frozen=True, slots=True)
class Returned:
    """It was settled as `transaction_id`, and the money came back; `code` is the bank's reason."""

    transaction_id: str
    code: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Accepted:
    """The bank has the order and will settle or decline it later: it tells by webhook, and when asked."""


@dataclass(frozen=True, slots=True)
class Unclear:
    """What the bank says of the payment does not agree with itself, or is nothing for a machine: `said` says how."""

    said: str


BankResult = Settled | Declined | Returned
"""The bank gives the same one for ever, except that what was settled may come back."""
BankAnswer = BankResult | Accepted | Unclear


class BankBusy(Exception):
    """The bank asks for patience: it has not looked at the order, and nothing was booked."""


class BankAnswerUnexpected(Exception):
    """Neither a result nor a known refusal: ours or the bank's contract is broken, and a person must look."""


class Bank(Protocol):
    """Every call raises CallNotSent, CallUnanswered, BankBusy or BankAnswerUnexpected. An adapter never retries."""

    @property
    def statement_name(self) -> str:
        """Of the statement, in our copy of it: lines of two names never continue each other."""

    async def pay(self, order: PaymentOrder) -> BankAnswer:
        """Raises OrderInvalid too, before anything is sent."""

    async def find(self, payment_id: UUID) -> BankAnswer | None:
        """None: the bank has never seen the payment."""

    async def statement(self, cursor: str, limit: int) -> StatementPage:
        """The bookings behind `cursor`, oldest first; `START` is before the first.

        The last page has no next one, and is not a full one; a bank may give fewer than `limit` on each.
        """

    async def close(self) -> None:
        """Let go of connections."""
