"""One leader among several instances: two sessions, and who falls silent on the first has lost both.

The *pulse* holds the advisory lock of the leadership and says `select 1` twice a second. It only ever speaks the
simple protocol, where one message is one whole question: between two beats the server waits for a statement, never
for the rest of one, so that `idle_session_timeout` ends the session of a leader that stands still, wherever it does.

The *work* session is for the leader's transactions and holds a second lock. It alone could be kept for ever: a
backend that waits within the extended protocol, or for a client that does not read, runs into none of the server's
time-outs. So whoever wins the pulse first ends the session that still holds the work: what the old leader had not
committed is rolled back before the new one begins, and the old one, when it wakes, finds its connection dead.
"""

import asyncio
from typing import TYPE_CHECKING, TypeAlias

import asyncpg

from fundline.platform.database.errors import DatabaseUnavailable, translated
from fundline.platform.refusals import Unavailable
from fundline.platform.settings import DatabaseSettings
from fundline.platform.telemetry.logs import get_log

if TYPE_CHECKING:
    LeaderConnection: TypeAlias = asyncpg.Connection[asyncpg.Record]
else:
    LeaderConnection = asyncpg.Connection

_BEATS_PER_SILENCE = 6
_CONNECT_S = 2.0
_END_MS = 2000
"""How long the server may take to end the session of a leader that fell silent."""

# Literals instead of arguments: with those, asyncpg would speak the extended protocol. Both numbers are integers.
_WIN_PULSE = "select 1 where pg_try_advisory_lock({lock_id})"
_END_OLD_WORK = """
select pg_terminate_backend(pid, {end_ms}) from pg_locks
where locktype = 'advisory' and granted and classid = {lock_id} and objid = {work} and objsubid = 2
  and database = (select oid from pg_database where datname = current_database())
"""
_WIN_WORK = "select pg_try_advisory_lock($1::int, $2::int)"
_WORK = 1
_WON = "SELECT 1"


class Candidate:
    """An instance that would lead. Keeps its pulse while it waits, so that waiting costs one query a try."""

    def __init__(self, settings: DatabaseSettings, lock_id: int) -> None:
        """`lock_id` is the leadership's number, below 2^31; the same for all candidates."""
        self._settings, self._lock_id = settings, lock_id
        self._silence_s = settings.database_leader_silence_ms / 1000
        self._pulse: LeaderConnection | None = None
        self._work: LeaderConnection | None = None
        self._beating: asyncio.Task[None] | None = None

    @property
    def is_leading(self) -> bool:
        """As far as this instance knows; what it does on its connection knows better."""
        return all(session is not None and not session.is_closed() for session in (self._pulse, self._work))

    async def try_to_lead(self) -> LeaderConnection | None:
        """The session for the leader's work; None while another instance leads. Ask again at each turn.

        Raises DatabaseUnavailable. Needs sessions: never through a pooler.
        """
        if self._work is not None:
            if self.is_leading:
                return self._work
            self.resign()
        try:
            async with translated():
                return await self._try()
        except BaseException:
            self.resign()
            raise

    def resign(self) -> None:
        """Drop both sessions, and with them the locks and any open transaction."""
        if self._beating is not None:
            self._beating.cancel()
        for session in (self._work, self._pulse):
            if session is not None:
                session.terminate()
        self._beating = self._work = self._pulse = None

    async def _try(self) -> LeaderConnection | None:
        if self._pulse is None or self._pulse.is_closed():
            self._pulse = await self._open("pulse", {"idle_session_timeout": f"{self._silence_s * 1000:.0f}"})
        pulse = self._pulse
        if await pulse.execute(_WIN_PULSE.format(lock_id=self._lock_id)) != _WON:
            return None
        ended = await pulse.execute(_END_OLD_WORK.format(lock_id=self._lock_id, work=_WORK, end_ms=_END_MS))
        if ended == _WON:
            get_log().warning("leader.ended_silent_one", lock_id=self._lock_id)
        self._beating = asyncio.create_task(self._beat(pulse))
        self._work = work = await self._open("work", {"transaction_timeout": "20000"})
        if await work.fetchval(_WIN_WORK, self._lock_id, _WORK):
            return work
        raise DatabaseUnavailable("Another leader began its work while this one was silent.")

    async def _beat(self, pulse: LeaderConnection) -> None:
        """Until a beat fails: then the work ends too, also that which runs just now."""
        pause_s = self._silence_s / _BEATS_PER_SILENCE
        try:
            async with translated():
                while True:
                    await asyncio.sleep(pause_s)
                    await pulse.execute("select 1", timeout=self._silence_s)
        except (Unavailable, asyncpg.PostgresError) as lost:
            get_log().warning("leader.lost", lock_id=self._lock_id, cause=str(lost))
            pulse.terminate()
            if self._work is not None and self._pulse is pulse:
                self._work.terminate()

    async def _open(self, purpose: str, limits: dict[str, str]) -> LeaderConnection:
        return await asyncpg.connect(
            self._settings.database_url,
            timeout=_CONNECT_S,
            command_timeout=15.0,
            statement_cache_size=self._settings.database_statement_cache,
            server_settings={
                "application_name": f"{self._settings.instance} {purpose} {self._lock_id}",
                "idle_in_transaction_session_timeout": "15000",
                "jit": "off",
                **limits,
            },
        )
