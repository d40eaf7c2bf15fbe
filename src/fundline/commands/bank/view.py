"""What `fundline bank` shows to people; a program reads the same with --json."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from fundline.domain.money import Money


def show_faults(faults: Sequence[Mapping[str, Any]]) -> str:
    if not faults:
        return "The bank has no faults."
    return "\n".join(_fault(fault) for fault in faults)


def show_statement(lines: Sequence[Mapping[str, Any]]) -> str:
    if not lines:
        return "The bank has booked nothing."
    paid: Counter[str] = Counter()
    shown = []
    for line in lines:
        result = line.get("transactionId") or line["code"]
        shown.append(
            f"{line['bookedAt']}  {line['paymentId']}  {line['status']:<8}  {line['amount']:>16} {line['currency']}"
            f"  ••{line['payeeLast4']}  {result}"
        )
        if line["status"] == "settled":
            paid[line["currency"]] += Money.parse(line["amount"], line["currency"]).amount_minor
    totals = ", ".join(f"{Money(sum_minor, code).text()} {code}" for code, sum_minor in sorted(paid.items()))
    return "\n".join([*shown, f"{len(lines)} outcomes; paid {totals or 'nothing'}."])


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
