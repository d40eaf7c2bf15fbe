"""The one writer of the bank's ledger: a thread that does what is waiting in one transaction.

Many orders share one write to disk, so the bank's throughput does not depend on how fast the disk syncs.
"""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from fundline.outside.bank_sandbox.store import open_for_reading, open_ledger, transaction
from fundline.platform.liveness import Heartbeat
from fundline.platform.loop import Loop
from fundline.platform.refusals import Unavailable

_BATCH = 256
_STOP_TIMEOUT_S = 10
_WATCH_EVERY_S = 1.0
_LIMIT_S = 30.0
_NOT_NOW = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_PROTOCOL,
    }
)
"""SQLite's word for busy and away: locked by somebody, the disk full or failing. The rest is a bug."""
_PRIMARY = 0xFF
"""The part of a result code that names its family."""
_Result = TypeVar("_Result")
Work = Callable[[sqlite3.Connection], _Result]
"""Called in the bookkeeper's thread, within its transaction."""


class LedgerUnavailable(Unavailable):
    code = "ledger-unavailable"
    title = "The bank cannot write its ledger"


@dataclass(frozen=True, slots=True)
class _Waiting:
    work: Work[Any]
    answer: "asyncio.Future[Any]"


class Bookkeeper(Loop):
    """Opens the ledger file at once; `close` does what is waiting and stops.

    The loop only watches the thread. The thread turns by itself: it waits for work, with SQLite, off the event loop.
    """

    def __init__(self, path: Path) -> None:
        super().__init__("bookkeeper-watch", every_s=_WATCH_EVERY_S, limit_s=_LIMIT_S)
        self._ledger = open_ledger(path)
        self._reading = open_for_reading(path)
        self._waiting: queue.Queue[_Waiting | None] = queue.Queue()
        self._loop = asyncio.get_running_loop()
        self._writing = Heartbeat("bookkeeper", _LIMIT_S)
        self._thread = threading.Thread(target=self._run, name="bookkeeper", daemon=True)
        self._thread.start()

    async def write(self, work: Work[_Result]) -> _Result:
        """What the work gives, once it is on disk. Raises LedgerUnavailable; then nothing was written by this call."""
        answer: asyncio.Future[_Result] = self._loop.create_future()
        self._waiting.put(_Waiting(work, answer))
        return await answer

    async def read(self, work: Work[_Result]) -> _Result:
        """Of what is committed, without waiting for the writer. Raises LedgerUnavailable."""
        try:
            return await asyncio.to_thread(work, self._reading)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & _PRIMARY not in _NOT_NOW:
                raise
            raise LedgerUnavailable("The ledger cannot be read now; ask again.") from error

    async def is_ready(self) -> bool:
        return self._thread.is_alive()

    @property
    def heartbeats(self) -> tuple[Heartbeat, ...]:
        return (self.heartbeat, self._writing)

    async def turn(self) -> None:
        """Raises when the writer has died: a bank that cannot book must not stay up and let orders wait."""
        if not self._thread.is_alive():
            raise RuntimeError("the bookkeeper's thread has ended")

    async def close(self) -> None:
        self._waiting.put(None)
        await asyncio.to_thread(self._thread.join, _STOP_TIMEOUT_S)
        self._reading.close()

    def _run(self) -> None:
        stopping = False
        while not stopping:
            self._writing.beat()
            try:
                batch = [self._waiting.get(timeout=_WATCH_EVERY_S), *self._already_waiting()]
            except queue.Empty:
                continue
            stopping = None in batch
            self._write_batch([waiting for waiting in batch if waiting is not None])
        self._writing.end()
        self._ledger.close()

    def _already_waiting(self) -> list[_Waiting | None]:
        found: list[_Waiting | None] = []
        while len(found) < _BATCH and not self._waiting.empty():
            found.append(self._waiting.get_nowait())
        return found

    def _write_batch(self, batch: list[_Waiting]) -> None:
        try:
            with transaction(self._ledger):
                results = [waiting.work(self._ledger) for waiting in batch]
        except sqlite3.Error as error:
            self._log.error("bank.ledger_failed", orders=len(batch), exc_info=error)
            self._resolve(
                batch,
                [LedgerUnavailable("Nothing was booked; ask for the payment or repeat it.")] * len(batch),
            )
        else:
            self._resolve(batch, results)

    def _resolve(self, batch: list[_Waiting], results: Sequence[Any]) -> None:
        def resolve() -> None:
            for waiting, result in zip(batch, results, strict=True):
                if waiting.answer.done():  # the caller has gone
                    continue
                if isinstance(result, LedgerUnavailable):
                    waiting.answer.set_exception(result)
                else:
                    waiting.answer.set_result(result)

        self._loop.call_soon_threadsafe(resolve)
