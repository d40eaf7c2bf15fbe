"""Calling another HTTP service: always with a time-out, a limit of connections, and our trace headers."""

import asyncio
from dataclasses import dataclass
from typing import Any

import httpx
import orjson

from fundline.platform.telemetry.context import current_trace


class CallNotSent(Exception):
    """The connection was never made: the other side has not seen the request."""


class CallUnanswered(Exception):
    """Sent, but no usable answer came: the other side may or may not have acted. This is not a refusal."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: dict[str, Any]


class ServerFailed(CallUnanswered):
    """A status of 500 or more. `answer` is for a caller whose contract gives one of them a meaning."""

    def __init__(self, sentence: str, answer: Answer) -> None:
        super().__init__(sentence)
        self.answer = answer


class JsonClient:
    """JSON over HTTP. Never retries: retries happen in one layer, and that is the caller's.

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
        )

    async def call(
        self,
        method: str,
        path: str,
        *,
        body: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Any answer below 500 is returned. Raises CallNotSent or CallUnanswered (time-out, reset, 5xx, not JSON)."""
        trace = current_trace()
        sent = {
            "traceparent": trace.traceparent,
            "x-correlation-id": trace.correlation_id,
            "content-type": "application/json",
            **(headers or {}),
        }
        try:
            async with asyncio.timeout(self._timeout_s):  # httpx alone limits each read, not the whole call
                response = await self._client.request(
                    method, path, content=None if body is None else orjson.dumps(body), headers=sent
                )
            answer = orjson.loads(response.content) if response.content else {}
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise CallNotSent(f"{method} {path}: {type(error).__name__}") from error
        except (httpx.HTTPError, orjson.JSONDecodeError, TimeoutError) as error:
            raise CallUnanswered(f"{method} {path}: {type(error).__name__}") from error
        if not isinstance(answer, dict):
            raise CallUnanswered(f"{method} {path}: status {response.status_code}")
        if response.status_code >= 500:  # noqa: PLR2004 - server errors
            raise ServerFailed(
                f"{method} {path}: status {response.status_code}", Answer(response.status_code, answer)
            )
        return Answer(response.status_code, answer)

    async def close(self) -> None:
        await self._client.aclose()
