"""The payment that people want to end: whether no machine can, and what may be said of it."""

from dataclasses import dataclass
from typing import Any, NoReturn
from uuid import UUID

from fundline.domain.money import Money
from fundline.domain.payment import WITH_THE_BANK, PaymentState
from fundline.platform.database import Connection
from fundline.platform.refusals import FieldError, InvalidRequest, Kind, Refusal
from fundline.records.cases import CaseKind
from fundline.records.payment_results import PaymentResult
from fundline.records.status import LockedApplication, UnknownApplication, lock_application
from fundline.services.operations_api.payment_endings import store
from fundline.services.operations_api.payment_endings.schemas import EndingRequest

SETTLES = (CaseKind.PAYMENT_UNKNOWN, CaseKind.PAYMENT_CONTRADICTED)
"""Cases that wait for a person to find out what became of a payment."""
_HAS = {"settled": ("transactionId",), "failed": ("code",), "returned": ("transactionId", "code")}


class EndingConflict(Refusal):
    kind = Kind.CONFLICT
    code = "ending-conflict"
    title = "The payment cannot be ended like this now"


@dataclass(frozen=True, slots=True)
class HeldPayment:
    """Locked. `cases`: the kinds of its open cases."""

    application_id: UUID
    payment_id: UUID
    amount: Money
    state: PaymentState
    transaction_id: str | None
    cases: frozenset[str]


async def lock_held(
    connection: Connection, application_id: UUID
) -> tuple[LockedApplication, HeldPayment] | None:
    """None: no such application, or it has no payment. Raises RowBusy."""
    try:
        application = await lock_application(connection, application_id)
    except UnknownApplication:
        return None
    row = await store.lock_payment(connection, application_id)
    return None if row is None else (application, _payment(row))


def result_of(asked: EndingRequest) -> PaymentResult:
    """The result as the bank has written it. Raises InvalidRequest."""
    said = {"transactionId": asked.transaction_id, "code": asked.code}
    for name, value in said.items():
        if (value is not None) != (name in _HAS[asked.outcome]):
            _refuse(name, f"A payment that is {asked.outcome} has {' and '.join(_HAS[asked.outcome])}.")
    return PaymentResult(PaymentState(asked.outcome), asked.transaction_id, asked.code)


def require_endable(payment: HeldPayment, result: PaymentResult) -> None:
    """Raises EndingConflict for what machines will end, or what has ended; InvalidRequest for another transaction."""
    contradicted = CaseKind.PAYMENT_CONTRADICTED in payment.cases
    if payment.state in WITH_THE_BANK:
        if payment.state is not PaymentState.UNKNOWN and payment.cases.isdisjoint(SETTLES):
            raise EndingConflict(
                "The bank has it, and is asked for it; people end what is unknown or has a case."
            )
    elif payment.state is not PaymentState.SETTLED:
        raise EndingConflict(
            f"It is {payment.state}; only a payment that the bank may have is ended by people."
        )
    elif not contradicted or result.reached is not PaymentState.RETURNED:
        raise EndingConflict(
            "It is settled. It ends as returned, while a case says that the bank contradicts what is on record."
        )
    elif result.transaction_id != payment.transaction_id:
        _refuse("transactionId", f"It was settled as {payment.transaction_id}.")


def _payment(row: Any) -> HeldPayment:
    return HeldPayment(
        row["application_id"],
        row["payment_id"],
        Money(row["amount_minor"], row["currency"]),
        PaymentState(row["state"]),
        row["transaction_id"],
        frozenset(row["cases"] or ()),
    )


def _refuse(path: str, sentence: str) -> NoReturn:
    raise InvalidRequest("Nothing was ended.", errors=[FieldError(path, sentence)])
