"""What an error of the database means: busy, away or wrong. One answer for every request, handler and loop.

Busy and away are `Unavailable`: over HTTP 503 with Retry-After; a message waits in hand and costs no attempt; a loop
tries again. What is wrong with the statement, the data or the schema goes through as it came: a bug, or a rule.
Source of the codes: PostgreSQL 18, appendix A.
"""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from enum import StrEnum

import asyncpg

from fundline.platform.refusals import Unavailable


class Family(StrEnum):
    BUSY = "busy"
    """Other work is in the way: the same again in a moment succeeds."""
    AWAY = "away"
    """The server is not there, not ours to write, full, or it ended the session: nothing says anything about us."""
    WRONG = "wrong"
    """No repetition helps."""


_OF_A_CLASS = {
    "08": Family.AWAY,  # connection; also whatever PgBouncer has to say
    "28": Family.AWAY,  # the login is refused: a changed password or rule, and no message's fault
    "3D": Family.AWAY,  # the database is not there: it is being restored
    "40": Family.BUSY,  # rolled back for another transaction's sake: serialization, deadlock
    "53": Family.AWAY,  # disk full, out of memory, too many connections
    "57": Family.AWAY,  # shut down, starting, cancelled by an administrator or a time-out
    "58": Family.AWAY,  # the operating system: input and output, files
    "72": Family.BUSY,  # snapshot too old
    "F0": Family.AWAY,  # the server's own files
}
"""By the first two characters of the SQLSTATE; every other class is wrong."""
_OF_A_CODE = {
    "25006": Family.AWAY,  # read only: a standby, or a primary that was demoted
    "25P03": Family.AWAY,  # the session was idle in its transaction for too long
    "25P04": Family.AWAY,  # the transaction took too long
    "40002": Family.WRONG,  # a constraint of the transaction
    "40003": Family.AWAY,  # nobody knows whether it completed
    "55006": Family.BUSY,  # object in use
    "55P03": Family.BUSY,  # lock not available
}
"""Codes that differ from their class."""
_ENDED = frozenset({"FATAL", "PANIC"})
"""Severities with which the server ends the session, whatever the code."""

_STALE_PLAN = (asyncpg.InvalidCachedStatementError, asyncpg.OutdatedSchemaCacheError)
"""The schema changed under a prepared statement; the driver prepares it afresh."""
_BAD_USE = (
    asyncpg.ClientConfigurationError,
    asyncpg.UnsupportedClientFeatureError,
    asyncpg.UnsupportedServerFeatureError,
)
_LOST = re.compile(r"clos(ed|ing)|released back|cannot perform operation")
"""How the driver says that the connection or the pool is gone; what else it says is about how it was called."""
_OF_THE_PROTOCOL = frozenset(
    {"bind_execute", "bind_execute_many", "prepare", "query", "execute", "close_statement"}
)
"""What a connection of the driver calls on its protocol, which is None once the connection has ended."""
_PLACE = re.compile(r"\(\d+,\d+\)")
"""The place of a row, as it stands in the server's `while locking tuple (0,3) in relation "x"`, in any language."""

_AWAY_SENTENCE = "The database does not answer. Repeat the request with the same Idempotency-Key."
_BUSY_SENTENCE = (
    "Other work holds what this needs. Repeat the request in a moment, with the same Idempotency-Key."
)


class DatabaseUnavailable(Unavailable):
    code = "database-unavailable"
    title = "The database does not answer"


class DatabaseBusy(Unavailable):
    """Something is locked for longer than the lock time-out, or two transactions were in each other's way."""

    code = "database-busy"
    title = "Other work holds what the request needs"


class RowBusy(DatabaseBusy):
    """Another transaction works at this very row, or has inserted the same key and not ended yet.

    Only the first that waits for a row learns this from the server; those behind it get DatabaseBusy.
    """


class UniqueRule(Exception):
    """A unique constraint was violated; `constraint` is its name in the schema."""

    def __init__(self, constraint: str) -> None:
        self.constraint = constraint
        super().__init__(f"the constraint {constraint} forbids a second row")


class CheckRule(Exception):
    """A check of the schema was violated that stands for a rule which somebody may meet."""

    def __init__(self, constraint: str) -> None:
        self.constraint = constraint
        super().__init__(f"the constraint {constraint} forbids it")


@contextmanager
def rule_of_check(constraint: str) -> Iterator[None]:
    """The violation of this check raises CheckRule; any other goes through: it is a bug."""
    try:
        yield
    except asyncpg.CheckViolationError as error:
        if error.as_dict().get("constraint_name") != constraint:
            raise
        raise CheckRule(constraint) from error


def family_of(error: BaseException) -> Family:
    """Of what the driver raises. What it does not know by name has the family of its SQLSTATE's class."""
    if isinstance(error, _STALE_PLAN):
        return Family.BUSY
    if isinstance(error, asyncpg.PostgresError):
        return _family_of_state(error.sqlstate or "", error.as_dict().get("severity_en", ""))
    if isinstance(error, asyncpg.InterfaceError):
        is_lost = not isinstance(error, _BAD_USE) and _LOST.search(str(error))
        return Family.AWAY if is_lost else Family.WRONG
    if isinstance(error, asyncpg.InternalClientError | OSError | TimeoutError):
        return Family.AWAY
    return Family.AWAY if _lost_between_two_messages(error) else Family.WRONG


def _lost_between_two_messages(error: BaseException) -> bool:
    """The driver drops its protocol when the connection ends, also between prepare and execute, and then stumbles."""
    return isinstance(error, AttributeError) and error.obj is None and error.name in _OF_THE_PROTOCOL


def _family_of_state(state: str, severity: str) -> Family:
    if severity in _ENDED:
        return Family.AWAY
    return _OF_A_CODE.get(state) or _OF_A_CLASS.get(state[:2], Family.WRONG)


@asynccontextmanager
async def translated() -> AsyncIterator[None]:
    """Driver errors become ours: DatabaseUnavailable, DatabaseBusy, RowBusy or UniqueRule; what is wrong stays."""
    try:
        yield
    except asyncpg.UniqueViolationError as error:
        raise UniqueRule(str(error.as_dict().get("constraint_name", ""))) from error
    except Exception as error:
        family = family_of(error)
        if family is Family.WRONG:
            raise
        if family is Family.AWAY:
            raise DatabaseUnavailable(_AWAY_SENTENCE) from error
        raise (RowBusy if _is_of_a_row(error) else DatabaseBusy)(_BUSY_SENTENCE) from error


def _is_of_a_row(error: BaseException) -> bool:
    return isinstance(error, asyncpg.LockNotAvailableError) and bool(
        _PLACE.search(error.as_dict().get("context", ""))
    )
