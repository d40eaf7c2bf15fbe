"""All SQL of the Application API."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from fundline.domain.application import ApplicationStatus
from fundline.platform.audit.trail import BEFORE_THE_FIRST, AuditEntry, next_hash
from fundline.platform.database import Connection, Database, rule_of_check
from fundline.platform.database.idempotency import Rendered, WriteKey
from fundline.platform.database.outbox import OutboxRow, as_columns
from fundline.platform.database.sql import Sql
from fundline.records.application_record import INSERT, SealedAccount
from fundline.services.application_api.quota import EXCEEDED

SUBMIT = Sql(f"""
with claimed as (
    insert into idempotency_keys (caller, key, request_hash, response_status, response_body)
    values (:caller, :key, :request_hash, :response_status, :response_body)
    on conflict on constraint idempotency_keys_once_per_caller do nothing
    returning key
), counted as (
    insert into submission_quotas as quota (subject, window_began, used, allowed)
    select :quota_subject::text, :created_at::timestamptz, 1, :allowed::integer from claimed
    on conflict (subject) do update set
        used = case when quota.window_began > :window_since::timestamptz then quota.used + 1 else 1 end,
        window_began = case when quota.window_began > :window_since then quota.window_began else :created_at end,
        allowed = :allowed
), stored as (
    {INSERT}
    from claimed
    returning application_id
), history as (
    insert into application_status_history (application_id, sequence, status, occurred_at, actor, metadata)
    select application_id, :status_sequence, :status, :created_at, :actor, '{{}}' from stored
), audited as (
    insert into audit_streams (stream, sequence, hash) select :stream, 1, :hash from stored
    returning stream, sequence, hash
), entries as (
    insert into audit_entries (stream, sequence, occurred_at, actor, action, reason, details, evidence_hash, hash)
    select stream, sequence, :created_at, :actor, :action, '', :details, :evidence_hash, hash from audited
), events as (
    insert into outbox (event_id, topic, key, payload, headers)
    select event.id, event.topic, stored.application_id, event.payload, event.headers
    from stored, unnest(:event_ids::uuid[], :topics::text[], :payloads::text[], :headers::text[])
         with ordinality as event (id, topic, payload, headers, place)
    order by event.place
)
select exists (select from claimed) as is_new
""")  # noqa: S608 - our own columns
"""One statement, one round trip, one commit: key, count, application, history, audit entry and events together."""

_COLUMNS = """
select a.application_id, a.tracking_id, a.user_id, a.amount_minor, a.currency, a.term_months, a.purpose,
       a.revolving, a.business::text, a.figures::text, a.jobs::text, a.metadata::text, a.payout_kind, a.payout_last4,
       a.status, a.status_sequence, a.created_at, a.updated_at,
       r.assessment, r.risk_score::text, r.verdict, r.principal_reasons::text,
       r.model_version, r.policy_version, r.assessed_at,
       u.decision as underwriter_decision, u.reason as underwriter_reason, u.decided_at,
       u.principal_reasons::text as underwriter_reasons,
       d.state as payment_state, d.transaction_id, d.failure_code
from applications a
left join lateral (select * from risk_assessments r where r.application_id = a.application_id
                   order by assessment desc limit 1) r on true
left join underwriter_decisions u on u.application_id = a.application_id
left join disbursements d on d.application_id = a.application_id and d.replaced_at is null
"""
ONE_APPLICATION = _COLUMNS + "where a.application_id = $1"
PAGE_OF_ONE_OWNER = (
    _COLUMNS
    + """
where a.user_id = $1 and ($2::uuid is null or a.application_id < $2) and ($3::text is null or a.status = $3)
order by a.application_id desc limit $4
"""
)
PAGE_OF_ALL = (
    _COLUMNS
    + """
where ($1::uuid is null or a.application_id < $1) and ($2::text is null or a.status = $2)
order by a.application_id desc limit $3
"""
)
RECORD_DECISION = Sql("""
insert into underwriter_decisions (application_id, decision, reason, decided_by, decided_at, principal_reasons)
values (:application_id, :decision, :reason, :decided_by, :at, :principal_reasons)
""")
NAME_ACCOUNT = Sql("""
update applications
set payout_account = :sealed, payout_index = :index, payout_kind = :kind, payout_last4 = :last4
where application_id = :application_id and payout_index is distinct from :index::bytea
returning application_id
""")
REPLACE_PAYMENT = """
update disbursements set replaced_at = $2 where application_id = $1 and replaced_at is null
returning payment_id, approved_by
"""
SECTORS = "select sector_code, name from reference_sectors order by sector_code"
STATES = "select state_code, name from reference_states order by state_code"
COUNTRIES = "select country_code, name, region_required from reference_countries order by country_code"
REGIONS = """
select country_code, region_code, name from reference_regions order by country_code, region_code
"""


async def submit(
    database: Database,
    key: WriteKey,
    answer: Rendered,
    row: Mapping[str, Any],
    events: Sequence[OutboxRow],
    entry: AuditEntry,
    *,
    allowed: int,
    window_since: datetime,
) -> bool:
    """True when stored; False when the caller has used the key before.

    `row` is that of an ApplicationRecord. `entry` begins its stream. `allowed`: how many the caller may submit in a
    window; one that began before `window_since` is over. One more violates submission_quotas_not_exceeded: CheckRule.
    """
    ids, topics, _, payloads, headers = as_columns(events)
    statement = SUBMIT(
        **row,
        status=ApplicationStatus.PROCESSING.value,
        status_sequence=1,
        caller=key.caller,
        key=key.key,
        request_hash=key.request_hash,
        response_status=answer.code,
        response_body=answer.body.decode(),
        event_ids=ids,
        topics=topics,
        payloads=payloads,
        headers=headers,
        actor=entry.actor,
        stream=entry.stream,
        action=entry.action,
        details=entry.details_text(),
        evidence_hash=entry.evidence_hash(),
        hash=next_hash(BEFORE_THE_FIRST, entry.digest()),
        quota_subject=row["user_id"],
        allowed=allowed,
        window_since=window_since,
    )
    with rule_of_check(EXCEEDED):
        stored = await database.fetchrow(*statement)
    return stored is not None and bool(stored["is_new"])


async def find(database: Database, application_id: UUID) -> Any | None:
    return await database.fetchrow(ONE_APPLICATION, application_id)


async def page(
    database: Database, *, owner: str | None, before: UUID | None, status: str | None, limit: int
) -> list[Any]:
    """Newest first; `owner` None means everybody's."""
    if owner is None:
        return await database.fetch(PAGE_OF_ALL, before, status, limit)
    return await database.fetch(PAGE_OF_ONE_OWNER, owner, before, status, limit)


async def record_decision(
    connection: Connection,
    application_id: UUID,
    *,
    decision: str,
    reason: str,
    principal_reasons: Sequence[Mapping[str, str]],
    decided_by: str,
    at: datetime,
) -> None:
    """`reason` is for the file, `principal_reasons` for the applicant."""
    await connection.execute(
        *RECORD_DECISION(
            application_id=application_id,
            decision=decision,
            reason=reason,
            principal_reasons=orjson.dumps(principal_reasons).decode(),
            decided_by=decided_by,
            at=at,
        )
    )


async def name_account(connection: Connection, application_id: UUID, account: SealedAccount) -> bool:
    """False: it is the one that stands there."""
    statement = NAME_ACCOUNT(
        application_id=application_id,
        sealed=account.sealed,
        index=account.index,
        kind=account.kind,
        last4=account.last4,
    )
    return await connection.fetchval(*statement) is not None


async def replace_payment(connection: Connection, application_id: UUID, at: datetime) -> Any:
    """The failed payment, which is the application's no longer. One that has not failed violates
    disbursements_replaced_has_failed.
    """
    return await connection.fetchrow(REPLACE_PAYMENT, application_id, at)


async def sectors(database: Database) -> dict[str, str]:
    return {row["sector_code"]: row["name"] for row in await database.fetch(SECTORS)}


async def states(database: Database) -> dict[str, str]:
    return {row["state_code"]: row["name"] for row in await database.fetch(STATES)}


async def countries(database: Database) -> list[Any]:
    return await database.fetch(COUNTRIES)


async def regions(database: Database) -> list[Any]:
    return await database.fetch(REGIONS)
