"""What is open or paid to one applicant, one business, one payout account: read for a decision, and for a payment.

A decision looks at everything that came earlier, decided or not, and at everything that is approved or paid. A payment
is held against what has been asked to be paid already, under locks: of many that are asked for at once, each sees those
before it (ADR 0045).
"""

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from fundline.domain.exposure import Amounts, Exposure, Shared, is_above, together
from fundline.domain.money import Money
from fundline.domain.policy import APPROVED_TOGETHER_UP_TO
from fundline.platform.database import Connection
from fundline.platform.database.sql import Sql

MOST_READ = 500
"""Of each kind: as many of the smallest amount that anybody may ask for are above every limit."""
_ONE = """
with one as materialized (
    select application_id, user_id, submitted_as, business_key(business) as business_key, payout_index, amount_minor,
           currency, created_at
    from applications where application_id = :application_id
)"""
_OTHERS = """
    select '{shared}' as shared, o.currency, o.amount_minor, {is_repeat} as is_repeat
    from one, lateral (select a.* from applications a where {same} and a.application_id <> one.application_id
                       and {counts} limit {most}) o"""
_SAME = {
    Shared.APPLICANT: "a.user_id = one.user_id and one.submitted_as = 'applicant'",
    Shared.BUSINESS: "business_key(a.business) = one.business_key",
    Shared.ACCOUNT: "a.payout_index = one.payout_index",
}
"""A partner's applications have the partner in common, who borrows nothing."""
_IS_REPEAT = """(business_key(o.business) = one.business_key and o.amount_minor = one.amount_minor
            and o.currency = one.currency and abs(extract(epoch from o.created_at - one.created_at)) < 86400)"""
_OPEN_OR_PAID = """(a.status in ('approved', 'disbursed', 'account_needed') or a.application_id < one.application_id
                       and a.status in ('processing', 'risk_scoring', 'pending_review'))"""
_ASKED_TO_BE_PAID = """exists (select from disbursements d where d.application_id = a.application_id
                       and d.state in ('requested', 'submitted', 'unknown', 'settled'))"""


def _sums(counts: str) -> Sql:
    others = " union all ".join(
        _OTHERS.format(
            shared=shared.value,
            same=_SAME[shared],
            counts=counts,
            most=MOST_READ,
            is_repeat=_IS_REPEAT if shared is Shared.ACCOUNT else "false",
        )
        for shared in Shared
    )
    return Sql(
        f"""{_ONE}
select shared, currency, sum(amount_minor)::bigint as amount_minor, count(*) filter (where is_repeat) as repeats
from ({others}) others group by shared, currency"""  # noqa: S608 - our own texts
    )


OF_A_DECISION = _sums(_OPEN_OR_PAID)
OF_A_PAYMENT = _sums(_ASKED_TO_BE_PAID)
LOCK_WHAT_IS_SHARED = """
select pg_advisory_xact_lock(key) from (
    select distinct hashtextextended(text, 0) as key
    from applications a, unnest(array[
        'applicant:' || a.user_id, 'business:' || business_key(a.business), 'account:' || encode(a.payout_index, 'hex')
    ]) as text
    where a.application_id = $1 and text is not null order by key
) keys
"""
"""In the order of the keys, so that no two transactions wait for each other. They end with the transaction: nothing of
a session, and a pooler in between makes no difference."""
PAID_WITHOUT_A_SECOND_PERSON = "select currency, paid_without_minor from payment_release_limits"


async def read_exposure(connection: Connection, application_id: UUID) -> Exposure:
    """What a decision about this application rests on."""
    return _exposure(await connection.fetch(*OF_A_DECISION(application_id=application_id)))


async def why_a_person_must_agree(
    connection: Connection, application_id: UUID, amount: Money, *, by_policy: bool
) -> list[str]:
    """A sentence for each thing that stands against paying this without a second person; empty when nothing does.

    `by_policy`: no person has approved it, so that the policy's limit counts, and a likely repeat. What is shared stays
    locked until the transaction ends: call it with the application's row locked, and put the payment on record in the
    same transaction.
    """
    await connection.fetch(LOCK_WHAT_IS_SHARED, application_id)
    others = _exposure(await connection.fetch(*OF_A_PAYMENT(application_id=application_id)))
    limits = [await _second_person_limits(connection)]
    if by_policy:
        limits.insert(0, APPROVED_TOGETHER_UP_TO)
    found = []
    for shared in Shared:
        amounts = together(others.of(shared), amount.decimal(), amount.currency)
        exceeded = next((one for one in limits if is_above(amounts, one)), None)
        if others.of(shared) and exceeded is not None:
            found.append(_sentence(shared, amounts, exceeded))
    if by_policy and others.repeats:
        found.append("The same amount for the same business and account was asked to be paid within a day.")
    return found


def _sentence(shared: Shared, amounts: Amounts, limits: Amounts) -> str:
    asked = ", ".join(f"{amount} {currency}" for currency, amount in sorted(amounts.items()))
    allowed = ", ".join(f"{limits.get(currency, 0)} {currency}" for currency in sorted(amounts))
    return f"Payments to the same {shared} come to {asked}, above {allowed}."


async def _second_person_limits(connection: Connection) -> Amounts:
    rows = await connection.fetch(PAID_WITHOUT_A_SECOND_PERSON)
    return {row["currency"]: Money(row["paid_without_minor"], row["currency"]).decimal() for row in rows}


def _exposure(rows: Sequence[Any]) -> Exposure:
    amounts: defaultdict[str, dict[str, Decimal]] = defaultdict(dict)
    for row in rows:
        amounts[row["shared"]][row["currency"]] = Money(row["amount_minor"], row["currency"]).decimal()
    by_shared = {shared.value: amounts[shared] for shared in Shared}
    return Exposure(**by_shared, repeats=sum(row["repeats"] for row in rows))
