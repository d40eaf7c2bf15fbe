"""Whether an application, its decision, its payment and its order say the same, held against each other."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from fundline.domain.application import ApplicationStatus
from fundline.domain.money import Money, MoneyError
from fundline.domain.payment import PaymentState
from fundline.platform.database import Connection

PAGE = 2000
PAIRS = """
select a.application_id, a.amount_minor as applied_minor, a.currency as applied_currency, a.status, h.status as told,
       d.payment_id, d.amount_minor, d.currency, d.state, d.order_text, d.approved_by, d.needs_release, d.released_by,
       r.verdict, u.decision, u.decided_by
from (select * from applications where application_id > $1 order by application_id limit $2) a
left join application_status_history h on h.application_id = a.application_id and h.sequence = a.status_sequence
left join disbursements d on d.application_id = a.application_id and d.replaced_at is null
left join underwriter_decisions u on u.application_id = a.application_id
left join lateral (select verdict from risk_assessments r where r.application_id = a.application_id
                   order by assessment desc limit 1) r on true
order by a.application_id
"""
_RESULTS = {
    PaymentState.SETTLED.value: ApplicationStatus.DISBURSED.value,
    PaymentState.FAILED.value: ApplicationStatus.FAILED.value,
    PaymentState.RETURNED.value: ApplicationStatus.RETURNED.value,
}
_AFTER_APPROVAL = {
    ApplicationStatus.APPROVED.value,
    ApplicationStatus.DISBURSED.value,
    ApplicationStatus.FAILED.value,
    ApplicationStatus.RETURNED.value,
    ApplicationStatus.ACCOUNT_NEEDED.value,
}


@dataclass(frozen=True, slots=True)
class Disagreement:
    """`sentence` names both tables, their columns and the ids."""

    application_id: UUID
    sentence: str


async def disagreements(connection: Connection) -> AsyncIterator[Disagreement]:
    """Page by page; the caller's transaction makes it one snapshot."""
    after = UUID(int=0)
    while rows := await connection.fetch(PAIRS, after, PAGE):
        for row in rows:
            for sentence in [*_of_status(row), *_of_payment(row)]:
                yield Disagreement(row["application_id"], sentence)
        after = rows[-1]["application_id"]


def _of_status(row: Any) -> Iterator[str]:
    status, application = row["status"], f"of {row['application_id']}"
    if row["told"] != status:
        yield f"applications.status {application} is {status}, application_status_history.status is {row['told']}."
    if status in _AFTER_APPROVAL and row["verdict"] != "approved" and row["decision"] != "approve":
        yield (
            f"applications.status {application} is {status}, risk_assessments.verdict is {row['verdict']}, and "
            "underwriter_decisions.decision approves nothing."
        )
    if status == ApplicationStatus.REJECTED and row["verdict"] != "rejected" and row["decision"] != "reject":
        yield (
            f"applications.status {application} is rejected, risk_assessments.verdict is {row['verdict']}, and "
            "underwriter_decisions.decision rejects nothing."
        )


def _of_payment(row: Any) -> Iterator[str]:
    application_id, payment_id, state = row["application_id"], row["payment_id"], row["state"]
    if payment_id is None:
        if row["status"] in _RESULTS.values():
            yield f"applications.status of {application_id} is {row['status']}, and disbursements has no payment of it."
        return
    for column, applied in (("amount_minor", "applied_minor"), ("currency", "applied_currency")):
        if row[column] != row[applied]:
            yield (
                f"disbursements.{column} of {payment_id} is {row[column]}, "
                f"applications.{column} of {application_id} is {row[applied]}."
            )
    asked_for_account = (state, row["status"]) == (PaymentState.FAILED, ApplicationStatus.ACCOUNT_NEEDED)
    if row["status"] != _RESULTS.get(state, ApplicationStatus.APPROVED.value) and not asked_for_account:
        yield (
            f"disbursements.state of {payment_id} is {state}, applications.status of {application_id} is "
            f"{row['status']}."
        )
    if row["decided_by"] is not None and row["approved_by"] not in (None, row["decided_by"]):
        yield (
            f"disbursements.approved_by of {payment_id} is {row['approved_by']}, underwriter_decisions.decided_by of "
            f"{application_id} is {row['decided_by']}."
        )
    if row["order_text"] is not None:
        yield from _of_order(row)


def _of_order(row: Any) -> Iterator[str]:
    """The canonical order, see `orders.py` of the disbursement worker."""
    where = f"disbursements.order_text of {row['payment_id']}"
    try:
        order = orjson.loads(row["order_text"])
        amount = Money.parse(order["amount"], order["currency"])
        named = (order["paymentId"], order["reference"])
    except (ValueError, KeyError, TypeError, MoneyError) as error:
        yield f"{where} is not an order: {type(error).__name__}."
        return
    ours = Money(row["amount_minor"], row["currency"])
    if amount != ours:
        yield (
            f"{where} says {amount.text()} {amount.currency}, disbursements.amount_minor and disbursements.currency "
            f"say {ours.text()} {ours.currency}."
        )
    if named != (str(row["payment_id"]), str(row["application_id"])):
        yield f"{where} names another payment or application: {named[0]}, {named[1]}."
