"""Handing an event to a handler as the consumer runtime does: what is busy or away is delivered again.

On a busy machine a row stays locked for longer than the lock time-out, and a pool is empty for longer than anybody
waits for a connection. Both are outcomes that the runtime knows, and no test may count on their absence.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from fundline.platform.kafka.messages import RetryLater
from fundline.platform.refusals import Unavailable

_AGAIN_S = 0.05


async def delivered(door: Callable[[Any], Awaitable[None]], event: Any, *, within_s: float = 60) -> None:
    """Until the handler is done. Raises its Poison, what is a bug of it, or TimeoutError."""
    async with asyncio.timeout(within_s):
        while True:
            try:
                await door(event)
            except (RetryLater, Unavailable):
                await asyncio.sleep(_AGAIN_S)
            else:
                return


async def delivered_together(door: Callable[[Any], Awaitable[None]], *events: Any) -> None:
    """All of them side by side."""
    await asyncio.gather(*(delivered(door, event) for event in events))


async def answered(send: Callable[[], Awaitable[httpx.Response]], *, within_s: float = 60) -> httpx.Response:
    """As a good client: what is overloaded, or in somebody else's hands, is asked again under the same key."""
    async with asyncio.timeout(within_s):
        while _comes_again(answer := await send()):
            await asyncio.sleep(_AGAIN_S)
    return answer


def _comes_again(answer: httpx.Response) -> bool:
    busy = ("record-busy", "request-in-flight")
    return answer.status_code == 503 or (answer.status_code == 409 and answer.json()["type"].endswith(busy))
