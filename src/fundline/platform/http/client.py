"""Calling another HTTP service: always with a time-out, a limit of connections, and our trace headers."""

import asyncio
import ssl
from dataclasses import dataclass
from typing import Any

import httpx
import orjson

from fundline.platform.parsing import BrokenJson, load_json
from fundline.platform.telemetry.context import current_trace

_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Trusts nobody."""


def trust_for(url: str) -> ssl.SSLContext | bool:
    """What httpx takes as `verify`: for a plain address it would read every authority of the machine all the same,
    which takes many times longer than the request."""
    return _NO_TLS if url.startswith("http:") else True


class CallNotSent(Exception):
    """The connection was never made: the other side has not seen the request."""


class CallUnanswered(Exception):
    """Sent, but no usable answer came: the other side may or may not have acted. This is not a refusal."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """`media_type` without parameters, in lower case."""

    status: int
    media_type: str
    content: bytes


class ServerFailed(CallUnanswered):
    """A status of 500 or more. `answer` is for a caller whose contract gives one of them a meaning."""

    def __init__(self, sentence: str, answer: Answer) -> None:
        super().__init__(sentence)
        self.answer = answer


class HttpClient:
    """Never retries: retries happen in one layer, and that is the caller's.

    `timeout_s` is for the whole call; `connect_timeout_s` for getting a connection, from the pool or a new one.
    """

    def __init__(
        self, base_url: str, *, timeout_s: float, connect_timeout_s: float = 1.0, connections: int = 64
    ) -> None:
        self._timeout_s = timeout_s
        self._client = httpx.AsyncClient(
            base_url=base_url,
            timeout=httpx.Timeout(timeout_s, connect=connect_timeout_s, pool=connect_timeout_s),
            limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
            trust_env=False,
            verify=trust_for(base_url),
        )

    async def exchange(
        self, method: str, path: str, content: bytes | None = None, headers: dict[str, str] | None = None
    ) -> RawAnswer:
        """Any answer at all is returned. Raises CallNotSent or CallUnanswered (time-out, reset)."""
        trace = current_trace()
        sent = {
            "traceparent": trace.traceparent,
            "x-correlation-id": trace.correlation_id,
            "content-type": "application/json",
            **(headers or {}),
        }
        try:
            async with asyncio.timeout(self._timeout_s):  # httpx alone limits each read, not the whole call
                response = await self._client.request(method, path, content=content, headers=sent)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise CallNotSent(f"{method} {path}: {type(error).__name__}") from error
        except (httpx.HTTPError, TimeoutError) as error:
            raise CallUnanswered(f"{method} {path}: {type(error).__name__}") from error
        media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        return RawAnswer(response.status_code, media_type, response.content)

    async def close(self) -> None:
        await self._client.aclose()


class JsonClient(HttpClient):
    """JSON over HTTP."""

    async def call(
        self,
        method: str,
        path: str,
        *,
        body: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Any answer below 500 is returned. Raises CallNotSent or CallUnanswered (time-out, reset, 5xx, not JSON)."""
        answer = await self.exchange(method, path, None if body is None else orjson.dumps(body), headers)
        try:
            read = load_json(answer.content) if answer.content else {}
        except BrokenJson as error:
            raise CallUnanswered(f"{method} {path}: {type(error).__name__}") from error
        if not isinstance(read, dict):
            raise CallUnanswered(f"{method} {path}: status {answer.status}")
        if answer.status >= 500:  # noqa: PLR2004 - server errors
            raise ServerFailed(f"{method} {path}: status {answer.status}", Answer(answer.status, read))
        return Answer(answer.status, read)
