"""Open-loop traffic of a few hundred people: each request is sent at its time, whatever became of the ones before.

Nobody repeats anything but a submission with its key, and a stream with the last id it has. What a person would notice
becomes a sentence in `troubles`.
"""

import asyncio
import random
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import httpx
import orjson

from fundline.demo.sse import EventStreamParser
from fundline.stack.running import Stack
from support.applications import application_of_its_own
from support.clients import SETTLED

READS_PER_S, SUBMISSIONS_PER_S, STANDING_WATCHERS = 50, 10, 200
MOST_AT_ONCE = 1_000
"""Requests that are waiting for their answer, streams not counted."""
REPEAT_S = 0.2
OPENING_AT_ONCE = 20
"""Streams: hundreds of handshakes at once on two cores that are shared outlast the gateway's patience."""
LONGEST_PAUSE_S = 1.0
"""Before a stream is opened again; a browser waits a second."""
REFERRED, WATCHERS_OF_ONE = 20, 10
REFERRAL = {"figures.annualRevenue": None}
"""Without this fact a person decides."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A submission that was not accepted at once; `begun` and `ended` on the monotonic clock."""

    begun: float
    ended: float
    sentence: str

    def was_under_way_at(self, moment: float) -> bool:
        return self.begun <= moment <= self.ended


@dataclass
class Traffic:
    stack: Stack
    client: httpx.AsyncClient
    streams: httpx.AsyncClient
    """Apart, so that no request waits for the end of a stream."""
    troubles: Counter[str] = field(default_factory=Counter)
    refusals: list[Refusal] = field(default_factory=list)
    reads: int = 0
    accepted: list[str] = field(default_factory=list)
    referred: list[str] = field(default_factory=list)
    reopened: int = 0
    dice: random.Random = field(default_factory=random.Random)
    _opening: asyncio.Semaphore = field(default_factory=partial(asyncio.Semaphore, OPENING_AT_ONCE))
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _standing: list[asyncio.Task[None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        people = {"alice": "partner", "op": "operator", "uma": "underwriter"}
        self._bearers = {
            who: {"authorization": f"Bearer {self.stack.token(who, role)}"} for who, role in people.items()
        }

    async def prepare(self) -> None:
        """Referred applications stay open until somebody decides: their watchers see every restart."""
        for _ in range(REFERRED):
            self.referred.append(await self._accepted(application_of_its_own(**REFERRAL)))
        await asyncio.gather(*(self.watch(one, SETTLED) for one in self.referred))
        self._standing = [
            asyncio.create_task(self.watch(one, SETTLED - {"pending_review"}))
            for one in self.referred
            for _ in range(WATCHERS_OF_ONE)
        ]

    async def flow(self, stop: asyncio.Event) -> None:
        """Until `stop`, and then until everything that was begun has come to its end."""
        await asyncio.gather(
            self._every(1 / READS_PER_S, self._read, stop),
            self._every(1 / SUBMISSIONS_PER_S, self._submit_and_watch, stop),
        )
        await asyncio.gather(*self._tasks)

    async def decide(self) -> None:
        """The news that every standing watcher must get, wherever its stream has ended up."""
        body = {"decision": "reject", "principalReasons": ["papers_missing"], "reason": "No accounts seen"}
        for one in self.referred:
            answer = await self.client.post(
                f"/v1/applications/{one}/decision",
                json=body,
                headers=self._bearers["uma"] | {"idempotency-key": str(uuid.uuid4())},
            )
            assert answer.status_code == 200, answer.text
        await asyncio.gather(*self._standing)

    async def _every(
        self, pause_s: float, what: Callable[[], Coroutine[Any, Any, None]], stop: asyncio.Event
    ) -> None:
        due = time.monotonic()
        while not stop.is_set():
            if len(self._tasks) >= MOST_AT_ONCE:
                self.troubles[f"{MOST_AT_ONCE} requests wait for their answer"] += 1
                return
            task = asyncio.create_task(what())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            due += pause_s
            await asyncio.sleep(max(due - time.monotonic(), 0))

    async def _read(self) -> None:
        one = self.referred[self.reads % REFERRED]
        path, who = (
            (f"/v1/status/{one}", "alice"),
            (f"/v1/applications/{one}", "alice"),
            ("/v1/cases", "op"),
            ("/v1/webhook-endpoints", "alice"),
        )[self.reads % 4]
        self.reads += 1
        try:
            answer = await self.client.get(path, headers=self._bearers[who])
        except httpx.TransportError as error:
            self.troubles[f"GET {path.removesuffix(one)}: {error!r}"] += 1
        else:
            if answer.status_code != httpx.codes.OK:
                self.troubles[f"GET {path.removesuffix(one)}: {answer.status_code}"] += 1

    async def _submit_and_watch(self) -> None:
        await self.watch(await self._accepted(application_of_its_own()), SETTLED)

    async def _accepted(self, body: dict[str, Any]) -> str:
        headers = self._bearers["alice"] | {"idempotency-key": str(uuid.uuid4())}
        while True:
            begun = time.monotonic()
            try:
                answer = await self.client.post("/v1/applications", json=body, headers=headers)
            except httpx.TransportError as error:
                self.refusals.append(Refusal(begun, time.monotonic(), repr(error)))
            else:
                if answer.status_code == httpx.codes.ACCEPTED:
                    made = str(answer.json()["id"])
                    self.accepted.append(made)
                    return made
                said = f"{answer.status_code} {answer.text}"
                self.refusals.append(Refusal(begun, time.monotonic(), said))
            await asyncio.sleep(REPEAT_S)

    async def watch(self, application_id: str, until: set[str]) -> None:
        """Follow over server-sent events until one of these statuses; a broken stream is opened again."""
        last, status = 0, ""
        while status not in until:
            try:
                answer = await self._open(application_id, last)
            except httpx.TransportError as error:
                self.troubles[f"a stream was not opened: {error!r}"] += 1
                return
            if answer.status_code != httpx.codes.OK:
                self.troubles[f"a stream was answered {answer.status_code}"] += 1
                return
            try:
                async for sequence, status in _changes(answer):
                    if sequence != last + 1:
                        self.troubles[f"{application_id}: {sequence} came after {last}"] += 1
                    last = sequence
                    if status in until:
                        return
            except httpx.TransportError:
                pass  # broken, or two heartbeats are missing
            finally:
                await answer.aclose()
            self.reopened += 1
            await asyncio.sleep(self.dice.uniform(0, LONGEST_PAUSE_S))

    async def _open(self, application_id: str, last: int) -> httpx.Response:
        headers = self._bearers["alice"] | ({"last-event-id": str(last)} if last else {})
        request = self.streams.build_request("GET", f"/v1/status/{application_id}/events", headers=headers)
        async with self._opening:
            return await self.streams.send(request, stream=True)


async def _changes(answer: httpx.Response) -> AsyncIterator[tuple[int, str]]:
    """(sequence, status) of each event."""
    parser = EventStreamParser()
    async for piece in answer.aiter_raw():
        for event in parser.feed(piece):
            yield int(event.event_id), orjson.loads(event.data)["status"]
