"""How the bank behaves around a booking. Faults (slow, silent, broken) are other conducts behind the same two calls."""

import asyncio
from typing import Protocol


class Conduct(Protocol):
    """Both may wait, and may raise to make the bank misbehave: before a booking, or after it."""

    async def before_booking(self, payment_id: str) -> None: ...

    async def before_answering(self, payment_id: str) -> None: ...


class Punctual:
    """Works on each order for a fixed time, books it, and answers."""

    def __init__(self, delay_s: float) -> None:
        self._delay_s = delay_s

    async def before_booking(self, payment_id: str) -> None:  # noqa: ARG002 - every payment alike
        await asyncio.sleep(self._delay_s)

    async def before_answering(self, payment_id: str) -> None:
        pass
