"""Two people want the same: the first asks, another one says the same, and only then it is done."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, TypeAlias

import orjson

from fundline.domain.people import same_person
from fundline.platform.clock import NewId
from fundline.platform.database import Connection, Database
from fundline.platform.database.sql import Sql
from fundline.platform.identity import Caller

Deed: TypeAlias = Literal["payments_resume", "model_promotion", "model_reset"]
LAPSES_AFTER = timedelta(hours=24)
"""Who agrees should know what was asked for, and why; what is older is asked for anew."""

FLAGS_LOCK = "select pg_advisory_xact_lock(hashtextextended('fundline.flags', 0))"
ASKED = """
select agreement_id, wanted::text, reason, asked_by, asked_at from agreements
where deed = $1 and state = 'asked' and asked_at > $2
"""
ASK = Sql(
    """
insert into agreements (agreement_id, deed, wanted, reason, asked_by, asked_at)
values (:agreement_id, :deed, :wanted::jsonb, :reason, :by, :at)
"""
)
DECIDE = """
update agreements set state = $2, decided_by = $3, decided_at = $4 where agreement_id = $1
"""
WITHDRAW = """
update agreements set state = 'withdrawn', decided_by = $2, decided_at = $3 where deed = $1 and state = 'asked'
"""


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody has asked for, and nobody has agreed to yet."""

    agreement_id: Any
    wanted: Mapping[str, Any]
    reason: str
    asked_by: str
    asked_at: datetime


async def lock_flags(connection: Connection) -> None:
    """Until the transaction ends nobody else changes the flags, on whatever machine. Raises RowBusy."""
    await connection.execute(FLAGS_LOCK)


async def open_request(queries: Database | Connection, deed: Deed, *, now: datetime) -> Request | None:
    rows = await queries.fetch(ASKED, deed, now - LAPSES_AFTER)
    if not rows:
        return None
    row = rows[0]
    return Request(
        row["agreement_id"], orjson.loads(row["wanted"]), row["reason"], row["asked_by"], row["asked_at"]
    )


async def agree(
    connection: Connection,
    caller: Caller,
    deed: Deed,
    wanted: Mapping[str, Any],
    *,
    reason: str,
    at: datetime,
    new_id: NewId,
) -> Request | None:
    """The request of another person that this agrees to. None: it is asked for now, in the place of any other one.

    The caller of this holds the lock on the flags.
    """
    asked = await open_request(connection, deed, now=at)
    if (
        asked is not None
        and dict(asked.wanted) == dict(wanted)
        and not same_person(asked.asked_by, caller.subject)
    ):
        await connection.execute(DECIDE, asked.agreement_id, "agreed", caller.subject, at)
        return asked
    await withdraw(connection, caller, deed, at=at)
    text = orjson.dumps(dict(wanted)).decode()
    await connection.execute(
        *ASK(agreement_id=new_id(), deed=deed, wanted=text, reason=reason, by=caller.subject, at=at)
    )
    return None


async def withdraw(connection: Connection, caller: Caller, *deeds: Deed, at: datetime) -> None:
    """What is asked for is not done: the opposite was."""
    for deed in deeds:
        await connection.execute(WITHDRAW, deed, caller.subject, at)
