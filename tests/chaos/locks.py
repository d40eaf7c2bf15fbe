"""`make chaos SCENARIO=locks`: every table of the database locked in turn, under load, for 5 s and for 40 s.

As a migration, a `vacuum full` or a mistake does it. Nobody helps: at the end every process has its first pid, every
group is drained, no letter is dead, and clients have read nothing but success, or 503 with a time to come again.
Prints a JSON object per lock; exit status 1 when one of them has a fault. `TABLES="inbox outbox"` takes only these,
`LOCK_S="5"` only this long. All of it takes about 40 minutes.
"""

import asyncio
import json
import os
import sys
import time
import uuid
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import asyncpg
import httpx

from chaos.liveness import behind_within, liveness_stack
from fundline.stack.running import Stack
from support.applications import application_of_its_own
from support.clients import SETTLED, bearer, browser
from support.three_checks import problems_at_rest

LOCKED_FOR_S = (5.0, 40.0)
PER_SECOND = 3
SUBJECTS = 6
SETTLED_WITHIN_S = 90.0
GOOD = frozenset({"200", "202", "503+"})
"""What a client may read; `+` says that the answer names a time to come again."""
EVERY_TABLE = """
select relname from pg_class where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace
    and relname <> 'alembic_version' order by relname
"""


@dataclass(slots=True)
class Verdict:
    """`faults`: sentences; none when all is well."""

    tables: Sequence[str]
    locked_s: float
    answers: dict[str, int] = field(default_factory=dict)
    """How often each was read: a status code, with `+` when it named a time to come again."""
    faults: list[str] = field(default_factory=list)


async def every_table(stack: Stack) -> list[str]:
    connection = await asyncpg.connect(stack.postgres.owner_url)
    try:
        return [row["relname"] for row in await connection.fetch(EVERY_TABLE)]
    finally:
        await connection.close()


async def lock_under_load(stack: Stack, tables: Sequence[str], seconds: float) -> Verdict:
    """Applications come in all the time; the tables are locked for so long; everything has to end well.

    Begins with a whole fleet: what an earlier fault had ended may still be on its way back.
    """
    verdict = Verdict(tables, seconds, faults=await behind_within(stack, SETTLED_WITHIN_S))
    pids = {record.instance: _pid(record) for record in stack.processes()}
    letters = await _letters(stack)
    over = asyncio.Event()
    async with browser(stack) as client:
        load = asyncio.create_task(_load(stack, client, over, verdict))
        await asyncio.sleep(1)
        await _lock(stack, tables, seconds)
        await asyncio.sleep(1)
        over.set()
        accepted = await load
        verdict.faults += await _unsettled(stack, client, accepted, verdict)
    verdict.faults += await behind_within(stack, SETTLED_WITHIN_S)
    verdict.faults += [
        f"{record.instance} was restarted"
        for record in stack.processes()
        if _pid(record) != pids[record.instance]
    ]
    verdict.faults += [f"a dead letter: {told}" for told in await _letters(stack) if told not in letters]
    verdict.faults += [
        f"clients read {told} {count} times" for told, count in verdict.answers.items() if told not in GOOD
    ]
    verdict.faults += await problems_at_rest(stack.settings)
    return verdict


async def _lock(stack: Stack, tables: Sequence[str], seconds: float) -> None:
    """All of them at once; begun again when work under way holds some and waits for others."""
    connection = await asyncpg.connect(stack.postgres.owner_url)
    try:
        is_done = False
        while not is_done:
            with suppress(asyncpg.DeadlockDetectedError):
                async with connection.transaction():
                    await connection.execute(f"lock table {', '.join(tables)} in access exclusive mode")
                    await asyncio.sleep(seconds)
                is_done = True
    finally:
        connection.terminate()


async def _load(stack: Stack, client: httpx.AsyncClient, over: asyncio.Event, verdict: Verdict) -> list[str]:
    """Submits and reads until it is over; returns the ids of what was accepted."""
    accepted: list[str] = []
    running: set[asyncio.Task[None]] = set()
    number = 0
    while not over.is_set():
        subject = f"locks-{number % SUBJECTS}"
        running.add(asyncio.create_task(_submit(stack, client, subject, accepted, verdict)))
        if accepted:
            running.add(asyncio.create_task(_read(stack, client, accepted[-1], verdict)))
        number += 1
        await asyncio.sleep(1 / PER_SECOND)
    await asyncio.gather(*running)
    return accepted


async def _submit(
    stack: Stack, client: httpx.AsyncClient, subject: str, accepted: list[str], verdict: Verdict
) -> None:
    """As a good client: the same key until there is an answer, and not before the time that it was told."""
    headers = bearer(stack, "alice", "partner") | {"idempotency-key": f"{subject}-{uuid.uuid4()}"}
    try:
        async with asyncio.timeout(SETTLED_WITHIN_S):
            while True:
                answer = await _asked(
                    verdict, client.post("/v1/applications", json=application_of_its_own(), headers=headers)
                )
                if answer is not None and answer.status_code == 202:
                    accepted.append(answer.json()["id"])
                    return
                await asyncio.sleep(1 if answer is None else int(answer.headers.get("retry-after", "1")))
    except TimeoutError:
        verdict.faults.append(f"a submission was not accepted within {SETTLED_WITHIN_S:g} s")


async def _read(stack: Stack, client: httpx.AsyncClient, application_id: str, verdict: Verdict) -> None:
    for path in (f"/v1/status/{application_id}", f"/v1/applications/{application_id}"):
        await _asked(verdict, client.get(path, headers=bearer(stack, "alice")))


async def _asked(verdict: Verdict, request: Awaitable[httpx.Response]) -> httpx.Response | None:
    """The answer, counted; None when there was none, which is a fault like a wrong one and ends no matrix."""
    answer = None
    try:
        answer = await request
        told = str(answer.status_code) + ("+" if "retry-after" in answer.headers else "")
        if told not in GOOD:
            told += f" {answer.request.method} {answer.text[:200]}"
    except httpx.TransportError as error:
        told = f"no answer, {error!r}"
    verdict.answers[told] = verdict.answers.get(told, 0) + 1
    return answer


async def _unsettled(
    stack: Stack, client: httpx.AsyncClient, accepted: list[str], verdict: Verdict
) -> list[str]:
    """What was accepted and does not stand still in time."""
    if not accepted:
        return ["nothing was accepted at all"]
    waiting, deadline = set(accepted), time.monotonic() + SETTLED_WITHIN_S
    while waiting and time.monotonic() < deadline:
        for application_id in sorted(waiting):
            request = client.get(f"/v1/status/{application_id}", headers=bearer(stack, "alice"))
            answer = await _asked(verdict, request)
            if answer is not None and answer.status_code == 200 and answer.json()["status"] in SETTLED:
                waiting.discard(application_id)
        await asyncio.sleep(0.5)
    return [f"the application {application_id} does not stand still" for application_id in sorted(waiting)]


async def _letters(stack: Stack) -> list[str]:
    connection = await asyncpg.connect(stack.postgres.owner_url)
    try:
        rows = await connection.fetch(
            "select dead_letter_id, topic, consumer_group, attempts, cause from dead_letters order by 1"
        )
    finally:
        await connection.close()
    return [
        f"{row['topic']} of {row['consumer_group']}, {row['dead_letter_id']}, attempt {row['attempts']}: "
        f"{row['cause'][:200]}"
        for row in rows
    ]


def _pid(record: object) -> int | None:
    identity = getattr(record, "identity", None)
    return None if identity is None else identity.pid


def main() -> int:
    asked = [float(text) for text in os.environ.get("LOCK_S", "").split()] or list(LOCKED_FOR_S)
    faults = 0
    with liveness_stack() as (stack, _):
        tables = os.environ.get("TABLES", "").split() or asyncio.run(every_table(stack))
        for table in tables:
            for seconds in asked:
                verdict = asyncio.run(lock_under_load(stack, [table], seconds))
                faults += bool(verdict.faults)
                print(
                    json.dumps(
                        {
                            "table": table,
                            "locked_s": seconds,
                            "answers": verdict.answers,
                            "faults": verdict.faults,
                        }
                    ),
                    flush=True,
                )
    print(
        json.dumps({"tables": len(tables), "locks": len(tables) * len(asked), "faults": faults}), flush=True
    )
    return int(faults > 0)


if __name__ == "__main__":
    sys.exit(main())
