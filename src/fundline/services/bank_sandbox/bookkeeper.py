"""The one writer of the bank's ledger: a thread that books what is waiting in one transaction.

Many orders share one write to disk, so the bank's throughput does not depend on how fast the disk syncs.
"""

import asyncio
import contextlib
import queue
import sqlite3
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fundline.platform.refusals import Unavailable
from fundline.platform.telemetry.logs import get_log
from fundline.services.bank_sandbox.store import (
    BookedPayment,
    book_payment,
    find_payment,
    open_for_reading,
    open_ledger,
    read_statement,
    transaction,
)

_BATCH = 256
_STOP_TIMEOUT_S = 10
_WATCH_EVERY_S = 1.0


class LedgerUnavailable(Unavailable):
    code = "ledger-unavailable"
    title = "The bank cannot write its ledger"


@dataclass(frozen=True, slots=True)
class _Waiting:
    payment: BookedPayment
    answer: "asyncio.Future[BookedPayment]"


class Bookkeeper:
    """Opens the ledger file at once; `close` books what is waiting and stops."""

    def __init__(self, path: Path) -> None:
        self._ledger = open_ledger(path)
        self._reading = open_for_reading(path)
        self._waiting: queue.Queue[_Waiting | None] = queue.Queue()
        self._loop = asyncio.get_running_loop()
        self._log = get_log()
        self._thread = threading.Thread(target=self._run, name="bookkeeper", daemon=True)
        self._thread.start()

    async def book(self, payment: BookedPayment) -> BookedPayment:
        """What the ledger holds under this payment id, on disk: the new payment, or the one that was first.

        Raises LedgerUnavailable; then nothing was booked by this call.
        """
        answer: asyncio.Future[BookedPayment] = self._loop.create_future()
        self._waiting.put(_Waiting(payment, answer))
        return await answer

    async def find(self, payment_id: str) -> BookedPayment | None:
        return await asyncio.to_thread(find_payment, self._reading, payment_id)

    async def statement(self, after_position: int, limit: int) -> list[BookedPayment]:
        return await asyncio.to_thread(read_statement, self._reading, after_position, limit)

    async def is_ready(self) -> bool:
        return self._thread.is_alive()

    async def watch(self, stop: asyncio.Event) -> None:
        """Raises when the writer has died: a bank that cannot book must not stay up and let orders wait."""
        while not stop.is_set():
            if not self._thread.is_alive():
                raise RuntimeError("the bookkeeper's thread has ended")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _WATCH_EVERY_S)

    async def close(self) -> None:
        self._waiting.put(None)
        await asyncio.to_thread(self._thread.join, _STOP_TIMEOUT_S)
        self._reading.close()

    def _run(self) -> None:
        stopping = False
        while not stopping:
            batch = [self._waiting.get(), *self._already_waiting()]
            stopping = None in batch
            self._book_batch([waiting for waiting in batch if waiting is not None])
        self._ledger.close()

    def _already_waiting(self) -> list[_Waiting | None]:
        found: list[_Waiting | None] = []
        while len(found) < _BATCH and not self._waiting.empty():
            found.append(self._waiting.get_nowait())
        return found

    def _book_batch(self, batch: list[_Waiting]) -> None:
        try:
            with transaction(self._ledger):
                booked = [self._book_once(waiting.payment) for waiting in batch]
        except sqlite3.Error as error:
            self._log.error("bank.ledger_failed", orders=len(batch), exc_info=error)
            self._tell(
                batch,
                [LedgerUnavailable("Nothing was booked; ask for the payment or repeat it.")] * len(batch),
            )
        else:
            self._tell(batch, booked)

    def _book_once(self, payment: BookedPayment) -> BookedPayment:
        before = find_payment(self._ledger, payment.payment_id)
        if before is not None:
            return before
        book_payment(self._ledger, payment)
        return payment

    def _tell(self, batch: list[_Waiting], results: Sequence[BookedPayment | LedgerUnavailable]) -> None:
        def resolve() -> None:
            for waiting, result in zip(batch, results, strict=True):
                if waiting.answer.done():  # the caller has gone
                    continue
                if isinstance(result, LedgerUnavailable):
                    waiting.answer.set_exception(result)
                else:
                    waiting.answer.set_result(result)

        self._loop.call_soon_threadsafe(resolve)
