"""What the bank does by itself: it settles what it has accepted when its time has come."""

import sqlite3
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from fundline.outside.bank_sandbox.booking import conclude_due, epoch_ms
from fundline.outside.bank_sandbox.bookkeeper import Bookkeeper
from fundline.outside.bank_sandbox.store import NEXT_DUE, NEXT_WEBHOOK, Payment
from fundline.platform.clock import Clock, NewId
from fundline.platform.loop import Loop

_LONGEST_REST_S = 5.0
_AFTER_A_FAILURE_S = 1.0


class Outcomes(Loop):
    """The list is on disk: what was accepted before a crash is settled after it."""

    def __init__(self, bookkeeper: Bookkeeper, *, now: Clock, fresh_id: NewId) -> None:
        super().__init__("outcomes", every_s=_AFTER_A_FAILURE_S)
        self._bookkeeper, self._now, self._fresh_id = bookkeeper, now, fresh_id
        self.tell: Callable[[], None] = lambda: None
        """Called when there may be new webhooks."""

    def note(self, payment: Payment) -> None:
        """A new order has its place in the ledger."""
        (self.wake if payment.status == "accepted" else self.tell)()

    async def turn(self) -> float:
        next_ms = await self._bookkeeper.read(partial(_next_moment, NEXT_DUE))
        if next_ms is not None and next_ms <= epoch_ms(self._now()):
            await self._conclude()
            return 0
        return rest(next_ms, self._now())

    async def next_webhook_s(self) -> float:
        """Seconds until one is due, some seconds at most."""
        return rest(await self._bookkeeper.read(partial(_next_moment, NEXT_WEBHOOK)), self._now())

    async def _conclude(self) -> None:
        at = self._now()
        concluded = await self._bookkeeper.write(partial(conclude_due, at=at, fresh_id=self._fresh_id))
        for payment in concluded:
            log_outcome(self._log, payment)
        self.tell()


def log_outcome(log: Any, payment: Payment) -> None:
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


def _next_moment(statement: str, reading: sqlite3.Connection) -> int | None:
    moment: int | None = reading.execute(statement).fetchone()[0]
    return moment
