"""What `fundline bank` shows to people; a program reads the same with --json."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from fundline.banks.statement import Booking
from fundline.domain.money import Money


def show_faults(faults: Sequence[Mapping[str, Any]]) -> str:
    if not faults:
        return "The bank has no faults."
    return "\n".join(_fault(fault) for fault in faults)


def show_statement(bookings: Sequence[Booking]) -> str:
    if not bookings:
        return "The bank has booked nothing."
    paid: Counter[str] = Counter()
    shown = []
    for booking in bookings:
        line, amount = booking.line, booking.line.amount
        shown.append(
            f"{booking.booked_at}  {line.payment_id}  {_status(booking):<8}  {amount.text():>16} {amount.currency}"
            f"  ••{booking.payee_ending}  {line.transaction_id or booking.code}"
        )
        if line.is_paid:
            paid[amount.currency] += amount.amount_minor
    totals = ", ".join(f"{Money(sum_minor, code).text()} {code}" for code, sum_minor in sorted(paid.items()))
    return "\n".join([*shown, f"{len(bookings)} outcomes; paid {totals or 'nothing'}."])


def statement_object(bookings: Sequence[Booking]) -> dict[str, Any]:
    """What --json prints: each booking with the fields of the bank."""
    return {"payments": [_booking(booking) for booking in bookings]}


def _booking(booking: Booking) -> dict[str, Any]:
    line = booking.line
    result = {"transactionId": line.transaction_id} if line.transaction_id else {}
    if not line.is_paid:
        result["code"] = booking.code
    return {
        "paymentId": str(line.payment_id),
        "status": _status(booking),
        **result,
        "amount": line.amount.text(),
        "currency": line.amount.currency,
        "payeeLast4": booking.payee_ending,
        "reference": line.reference,
        "bookedAt": booking.booked_at,
    }


def _status(booking: Booking) -> str:
    if booking.line.is_returned:
        return "returned"
    return "settled" if booking.line.is_paid else "declined"


def show_payment(payment: Mapping[str, Any]) -> str:
    result = payment.get("transactionId") or payment.get("code")
    return f"{payment['paymentId']}  {payment['status']}" + (f"  {result}" if result else "")


def _fault(fault: Mapping[str, Any]) -> str:
    """Number, kind and operation, what it matches, its chance, and how often it struck."""
    parts = [f"{fault['id']:>3}  {fault['kind']:<17}  on {fault['operation']:<9}"]
    parts += [f"{name} {value}" for name, value in fault["match"].items()]
    parts += [f"{name} {fault[name]}" for name in ("delayMs", "status", "code") if name in fault]
    if fault["probability"] < 1:
        parts.append(f"probability {fault['probability']} seed {fault['seed']}")
    limit = f" of {fault['times']}" if "times" in fault else ""
    parts.append(f"hits {fault['hits']}{limit}")
    return "  ".join(parts)
