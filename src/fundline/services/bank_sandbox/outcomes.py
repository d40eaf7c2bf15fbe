"""What the bank does by itself: it settles what it has accepted when its time has come."""

import asyncio
import sqlite3
from datetime import datetime
from functools import partial
from typing import Any

from fundline.platform.clock import Clock, NewId
from fundline.platform.telemetry.logs import get_log
from fundline.services.bank_sandbox.booking import conclude_due, epoch_ms
from fundline.services.bank_sandbox.bookkeeper import Bookkeeper, LedgerUnavailable
from fundline.services.bank_sandbox.store import NEXT_DUE, NEXT_WEBHOOK, Payment

_LONGEST_REST_S = 5.0
_AFTER_A_FAILURE_S = 1.0


class Outcomes:
    """The list is on disk: what was accepted before a crash is settled after it."""

    def __init__(self, bookkeeper: Bookkeeper, *, now: Clock, fresh_id: NewId) -> None:
        self._bookkeeper, self._now, self._fresh_id = bookkeeper, now, fresh_id
        self._changed = asyncio.Event()
        self.told = asyncio.Event()
        """Set when there may be new webhooks."""
        self._log = get_log()

    def note(self, payment: Payment) -> None:
        """A new order has its place in the ledger."""
        (self._changed if payment.status == "accepted" else self.told).set()

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            self._changed.clear()
            try:
                next_ms = await self._bookkeeper.read(partial(_next_moment, NEXT_DUE))
                if next_ms is not None and next_ms <= epoch_ms(self._now()):
                    await self._conclude()
                    continue
                rest_s = rest(next_ms, self._now())
            except LedgerUnavailable:
                rest_s = _AFTER_A_FAILURE_S
            await first_of(rest_s, stop, self._changed)

    async def next_webhook_s(self) -> float:
        """Seconds until one is due, some seconds at most."""
        return rest(await self._bookkeeper.read(partial(_next_moment, NEXT_WEBHOOK)), self._now())

    async def _conclude(self) -> None:
        at = self._now()
        concluded = await self._bookkeeper.write(partial(conclude_due, at=at, fresh_id=self._fresh_id))
        for payment in concluded:
            tell_of(self._log, payment)
        self.told.set()


def tell_of(log: Any, payment: Payment) -> None:
    event = f"bank.payment_{payment.status}"
    log.info(
        event,
        payment_id=payment.payment_id,
        reference=payment.reference,
        status=payment.status,
        transaction_id=payment.transaction_id,
        decline_code=payment.decline_code,
    )


def rest(next_ms: int | None, now: datetime) -> float:
    """Seconds from now until then, within bounds."""
    if next_ms is None:
        return _LONGEST_REST_S
    return min(max((next_ms - epoch_ms(now)) / 1000, 0.001), _LONGEST_REST_S)


async def first_of(rest_s: float, *events: asyncio.Event) -> None:
    """Until one of them is set or the time is over."""
    waiting = [asyncio.create_task(event.wait()) for event in events]
    await asyncio.wait(waiting, timeout=rest_s, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()


def _next_moment(statement: str, reading: sqlite3.Connection) -> int | None:
    moment: int | None = reading.execute(statement).fetchone()[0]
    return moment
