"""Noticing that a stream's client has left, without a second task per stream."""

import asyncio

from starlette.types import Receive

_UNASKED_LIMIT = 16


async def has_left(receive: Receive) -> bool:
    """Looks at what has arrived and does not wait. True after a disconnect, or when the client talks too much."""
    try:
        async with asyncio.timeout(0):
            for _ in range(_UNASKED_LIMIT):
                message = await receive()
                if message["type"].endswith(".disconnect"):
                    return True
    except TimeoutError:
        return False
    return True
