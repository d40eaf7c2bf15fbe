"""A client of Fundline's public API, as careful as a client should be: same key for every repeat, backoff, limits."""

import asyncio
import random
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import orjson

from fundline.demo.sse import EventStreamParser, StreamEvent

SUBMIT_WITHIN_S = 60.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 2.0
WRITE_TIMEOUT = httpx.Timeout(5.0, connect=2.0, pool=10.0)
HEARTBEAT_S = 5.0
STREAM_TIMEOUT = httpx.Timeout(2.5 * HEARTBEAT_S, connect=2.0, pool=10.0)
"""An open stream says something with every heartbeat; after two that are missing it is opened again."""
WRITE_CONNECTIONS = 64
WARM_CONNECTIONS = 8
ACCEPTED, CONFLICT, TOO_MANY, SERVER_ERROR = 202, 409, 429, 500
IN_FLIGHT = "urn:fundline:problem:request-in-flight"


class NotAccepted(Exception):
    """The application was refused, or no answer came in time; the sentence says which."""


class StreamRefused(Exception):
    """The status stream was not opened; `may_repeat` says whether asking again makes sense."""

    def __init__(self, sentence: str, *, may_repeat: bool) -> None:
        super().__init__(sentence)
        self.may_repeat = may_repeat


def trust(authority_certificate: Path) -> ssl.SSLContext:
    """TLS that trusts the development authority alone."""
    return ssl.create_default_context(cafile=str(authority_certificate))


class FundlineClient:
    """HTTP/1.1 with kept-alive connections. `transport` stands in for the network in tests."""

    def __init__(
        self,
        gateway_url: str,
        *,
        tls: ssl.SSLContext | bool = True,
        transport: httpx.AsyncBaseTransport | None = None,
        dice: random.Random | None = None,
    ) -> None:
        self._dice = dice or random.Random()
        many = httpx.Limits(max_connections=None, max_keepalive_connections=None)
        few = httpx.Limits(max_connections=WRITE_CONNECTIONS, max_keepalive_connections=WRITE_CONNECTIONS)
        # Apart, so that a submission never waits for, nor reuses the connection of, a stream.
        self._writes, self._streams = (
            httpx.AsyncClient(
                base_url=gateway_url,
                verify=tls,
                timeout=timeout,
                limits=limits,
                trust_env=False,
                transport=transport,
            )
            for timeout, limits in ((WRITE_TIMEOUT, few), (STREAM_TIMEOUT, many))
        )

    async def warm_up(self, token: str) -> None:
        """Open the first connections, as a client that has been running for a while has them."""
        asked = [
            self._writes.get("/v1/reference-data/sectors", headers=_bearer(token))
            for _ in range(WARM_CONNECTIONS)
        ]
        await asyncio.gather(*asked, return_exceptions=True)

    async def submit(
        self,
        body: dict[str, Any],
        token: str,
        idempotency_key: str,
        repeated: Callable[[], None] = lambda: None,
    ) -> UUID:
        """The application's id. Calls `repeated` before each repeat. Raises NotAccepted."""
        content = orjson.dumps(body)
        headers = _bearer(token) | {"idempotency-key": idempotency_key, "content-type": "application/json"}
        try:
            async with asyncio.timeout(SUBMIT_WITHIN_S):
                return await self._submit_until_answered(content, headers, repeated)
        except TimeoutError:
            raise NotAccepted(f"no answer within {SUBMIT_WITHIN_S:.0f} s") from None

    async def _submit_until_answered(
        self, content: bytes, headers: dict[str, str], repeated: Callable[[], None]
    ) -> UUID:
        attempt = 0
        while True:
            least_s = 0.0
            try:
                answer = await self._writes.post("/v1/applications", content=content, headers=headers)
            except httpx.TransportError:
                pass
            else:
                if answer.status_code == ACCEPTED:
                    return _accepted_id(answer)
                if not _may_repeat(answer):
                    raise NotAccepted(_sentence(answer))
                least_s = _retry_after_s(answer)
            await asyncio.sleep(max(least_s, self.pause_s(attempt)))
            attempt += 1
            repeated()

    @asynccontextmanager
    async def status_stream(
        self, application_id: UUID, token: str, last_sequence: int = 0
    ) -> AsyncIterator[AsyncIterator[StreamEvent]]:
        """Events after the change `last_sequence`, until either side closes.

        Raises StreamRefused; httpx.TransportError when the stream breaks.
        """
        headers = _bearer(token) | {"accept": "text/event-stream", "accept-encoding": "identity"}
        if last_sequence:
            headers["last-event-id"] = str(last_sequence)
        path = f"/v1/status/{application_id}/events"
        async with self._streams.stream("GET", path, headers=headers) as answer:
            if answer.status_code != httpx.codes.OK:
                await answer.aread()
                raise StreamRefused(_sentence(answer), may_repeat=_may_repeat(answer))
            yield _events(answer)

    def pause_s(self, attempt: int) -> float:
        """Exponential backoff with full jitter; `attempt` counts from 0."""
        return self._dice.uniform(0, min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(attempt, 10)))

    async def close(self) -> None:
        await self._writes.aclose()
        await self._streams.aclose()


async def _events(answer: httpx.Response) -> AsyncIterator[StreamEvent]:
    parser = EventStreamParser()
    async for piece in answer.aiter_raw():
        for event in parser.feed(piece):
            yield event


def _bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def _accepted_id(answer: httpx.Response) -> UUID:
    try:
        return UUID(orjson.loads(answer.content)["id"])
    except (ValueError, KeyError, TypeError):
        raise NotAccepted(f"accepted without an id: {answer.text[:200]}") from None


def _problem(answer: httpx.Response) -> dict[str, Any]:
    try:
        problem = orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        return {}
    return problem if isinstance(problem, dict) else {}


def _may_repeat(answer: httpx.Response) -> bool:
    if answer.status_code == CONFLICT:
        return _problem(answer).get("type") == IN_FLIGHT
    return answer.status_code == TOO_MANY or answer.status_code >= SERVER_ERROR


def _retry_after_s(answer: httpx.Response) -> float:
    text = answer.headers.get("retry-after", "")
    return min(float(text), LONGEST_PAUSE_S) if text.isdecimal() else 0.0


def _sentence(answer: httpx.Response) -> str:
    problem = _problem(answer)
    fields = "; ".join(f"{error['path']}: {error['message']}" for error in problem.get("errors", []))
    return f"{answer.status_code} {problem.get('detail', answer.text[:200])} {fields}".strip()
