"""Idempotency keys: the same key gives the same answer, a refusal included, for 48 hours, per caller.

A claim is a row of the transaction that does the work, so the answer exists exactly when the work is done. A repeat
that arrives meanwhile waits on the row; when it waits too long it is told that the first one is still in flight.
A refusal that rests on how things stood is kept under the key as well. One that rests on the request alone needs no
keeping: it is the same each time, and leaves the key free for the request that was meant.
Source: IETF draft-ietf-httpapi-idempotency-key-header.
"""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from fundline.platform.database.errors import RowBusy
from fundline.platform.database.pool import Connection, Database
from fundline.platform.parsing import SentJson
from fundline.platform.refusals import Kind, Refusal

CLAIM = """
insert into idempotency_keys (caller, key, request_hash, response_status, response_body)
values ($1, $2, $3, $4, $5)
on conflict on constraint idempotency_keys_once_per_caller do nothing
returning key
"""
SET_ANSWER = """
update idempotency_keys set response_status = $3, response_body = $4 where caller = $1 and key = $2
"""
STORED_ANSWER = """
select request_hash, response_status, response_body from idempotency_keys where caller = $1 and key = $2
"""


class KeyReused(Refusal):
    kind = Kind.KEY_REUSED
    code = "idempotency-key-reused"
    title = "The Idempotency-Key belongs to another request"


class RequestInFlight(Refusal):
    kind = Kind.CONFLICT
    code = "request-in-flight"
    title = "The first request with this Idempotency-Key has not finished"

    def __init__(self) -> None:
        super().__init__(
            "Repeat the request in a moment; it will get the first one's answer.", retry_after_s=1
        )


class RecordBusy(Refusal):
    kind = Kind.CONFLICT
    code = "record-busy"
    title = "The record is being changed by somebody else"

    def __init__(self) -> None:
        super().__init__("Repeat the request in a moment, with the same Idempotency-Key.", retry_after_s=1)


@dataclass(frozen=True, slots=True)
class WriteKey:
    """A caller's key for one request. `request_hash` covers method, path and body, whatever the order of its members.

    `hash_as_sent`: of the bytes as they came, which is what a release before this one has stored.
    """

    caller: str
    key: str
    request_hash: bytes
    hash_as_sent: bytes = b""


Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Rendered:
    """An answer as a door gives it: bytes, and a number of the door's own. Opaque here."""

    code: int
    body: bytes


class AlreadyAnswered(Exception):
    """Raised through a use case to its door: this key has its answer already, and nothing was done."""

    def __init__(self, answer: Rendered) -> None:
        super().__init__("The first request with this key has been answered.")
        self.answer = answer


@dataclass(frozen=True, slots=True)
class Once(Generic[Result]):
    """At most once per key. The door that read the key says how a result, and a refusal, is kept for a repeat."""

    key: WriteKey
    render: Callable[[Result], Rendered]
    render_refusal: Callable[[Refusal], Rendered]

    async def write(self, database: Database, work: Callable[[Connection], Awaitable[Result]]) -> Result:
        """Key, work and answer in one transaction.

        Raises AlreadyAnswered, KeyReused, RequestInFlight, RecordBusy, and what `work` raises. A refusal of it that
        `is_decided` is kept: a repeat gets it as its answer.
        """
        try:
            async with database.transaction() as connection:
                if await claim(connection, self.key, status=0, body=b""):
                    result = await work(connection)
                    kept = self.render(result)
                    await connection.execute(
                        SET_ANSWER, self.key.caller, self.key.key, kept.code, kept.body.decode()
                    )
                    return result
        except RowBusy:
            raise RecordBusy from None
        except Refusal as refusal:
            if not refusal.is_decided or await self._keep(database, refusal):
                raise
        raise await self.answered(database)

    async def answered(self, database: Database) -> AlreadyAnswered:
        """For a key that is taken. Raises KeyReused when another request has taken it, RequestInFlight."""
        answer = await _earlier_answer(database, self.key)
        if answer is None:
            raise RequestInFlight
        return AlreadyAnswered(answer)

    async def require_unanswered(self, database: Database) -> None:
        """For work that first asks others than the database. Raises AlreadyAnswered, KeyReused."""
        answer = await _earlier_answer(database, self.key)
        if answer is not None:
            raise AlreadyAnswered(answer)

    async def _keep(self, database: Database, refusal: Refusal) -> bool:
        """False when the same request has got another answer meanwhile: that one counts."""
        kept = self.render_refusal(refusal)
        async with database.transaction() as connection:
            return await claim(connection, self.key, status=kept.code, body=kept.body)


def write_key(caller: str, key: str, *, method: str, path: str, body: SentJson) -> WriteKey:
    where = f"{method}\n{path}\n".encode()
    return WriteKey(
        caller,
        key,
        hashlib.sha256(where + body.canonical).digest(),
        hashlib.sha256(where + body.body).digest(),
    )


async def claim(connection: Connection, key: WriteKey, *, status: int, body: bytes) -> bool:
    """True when the key is new: the answer is stored with it. False: somebody has the key already."""
    return (
        await connection.fetchval(CLAIM, key.caller, key.key, key.request_hash, status, body.decode())
        is not None
    )


async def _earlier_answer(database: Database, key: WriteKey) -> Rendered | None:
    """None when the key is free. Raises KeyReused."""
    row = await database.fetchrow(STORED_ANSWER, key.caller, key.key)
    if row is None:
        return None
    if row["request_hash"] not in {key.request_hash, key.hash_as_sent}:
        raise KeyReused("Use a new Idempotency-Key for a new request; this one was used with another body.")
    return Rendered(row["response_status"], row["response_body"].encode())
