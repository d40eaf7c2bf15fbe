"""Which family every error of the driver belongs to. A table locked for five seconds ended processes, because each
`except` clause knew some errors and lacked others; so here each class that the driver can raise is walked."""

import asyncio
import inspect
import ssl
from typing import Any

import asyncpg
import pytest
from asyncpg import exceptions

from fundline.platform.database.errors import (
    DatabaseBusy,
    DatabaseUnavailable,
    Family,
    RowBusy,
    UniqueRule,
    family_of,
    translated,
)
from fundline.platform.refusals import Unavailable

FAMILY_OF_CLASS = {  # of SQLSTATE: the first two characters; single codes that differ are below
    "03": Family.WRONG,
    "08": Family.AWAY,
    "09": Family.WRONG,
    "0A": Family.WRONG,
    "0B": Family.WRONG,
    "0F": Family.WRONG,
    "0L": Family.WRONG,
    "0P": Family.WRONG,
    "0Z": Family.WRONG,
    "10": Family.WRONG,
    "20": Family.WRONG,
    "21": Family.WRONG,
    "22": Family.WRONG,
    "23": Family.WRONG,
    "24": Family.WRONG,
    "25": Family.WRONG,
    "26": Family.WRONG,
    "27": Family.WRONG,
    "28": Family.AWAY,
    "2B": Family.WRONG,
    "2D": Family.WRONG,
    "2F": Family.WRONG,
    "34": Family.WRONG,
    "38": Family.WRONG,
    "39": Family.WRONG,
    "3B": Family.WRONG,
    "3D": Family.AWAY,
    "3F": Family.WRONG,
    "40": Family.BUSY,
    "42": Family.WRONG,
    "44": Family.WRONG,
    "53": Family.AWAY,
    "54": Family.WRONG,
    "55": Family.WRONG,
    "57": Family.AWAY,
    "58": Family.AWAY,
    "72": Family.BUSY,
    "F0": Family.AWAY,
    "HV": Family.WRONG,
    "P0": Family.WRONG,
    "XX": Family.WRONG,
}
FAMILY_OF_STATE = {
    "25006": Family.AWAY,  # read only
    "25P03": Family.AWAY,  # idle in transaction
    "25P04": Family.AWAY,  # transaction time-out
    "40002": Family.WRONG,  # a constraint of the transaction
    "40003": Family.AWAY,  # completion unknown
    "55006": Family.BUSY,  # object in use
    "55P03": Family.BUSY,  # lock not available
}
WITHOUT_A_CODE = {
    exceptions.PostgresError: Family.WRONG,
    exceptions.FatalPostgresError: Family.WRONG,
    exceptions.UnknownPostgresError: Family.WRONG,
    exceptions.InterfaceError: Family.WRONG,
    exceptions.ClientConfigurationError: Family.WRONG,
    exceptions.UnsupportedClientFeatureError: Family.WRONG,
    exceptions.UnsupportedServerFeatureError: Family.WRONG,
    exceptions.InternalClientError: Family.AWAY,
    exceptions.ProtocolError: Family.AWAY,
    exceptions.TargetServerAttributeNotMatched: Family.AWAY,
    exceptions.OutdatedSchemaCacheError: Family.BUSY,
}
BY_NAME = {exceptions.InvalidCachedStatementError: Family.BUSY}
ERRORS = [
    kind
    for _, kind in sorted(inspect.getmembers(exceptions, inspect.isclass))
    if issubclass(kind, Exception) and not issubclass(kind, Warning) and kind.__module__.startswith("asyncpg")
]


def server_error(state: str, *, severity: str = "ERROR", context: str | None = None) -> asyncpg.PostgresError:
    """As the driver makes it from the server's message."""
    fields = {"C": state, "V": severity, "M": "no"} | ({} if context is None else {"W": context})
    made: asyncpg.PostgresError = exceptions.PostgresError.new(fields)
    return made


def test_the_walk_finds_the_drivers_errors():
    assert len(ERRORS) > 200


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
def test_every_error_of_the_driver_has_a_family(kind):
    state = getattr(kind, "sqlstate", None)
    if kind in BY_NAME:
        expected = BY_NAME[kind]
    elif state is None:
        expected = WITHOUT_A_CODE[kind]
    else:
        expected = FAMILY_OF_STATE.get(state, FAMILY_OF_CLASS[state[:2]])
    assert family_of(kind("no")) is expected


@pytest.mark.parametrize("prefix", sorted(FAMILY_OF_CLASS))
def test_a_code_that_the_driver_has_no_name_for_has_the_family_of_its_class(prefix):
    unknown = server_error(f"{prefix}Z99")
    assert type(unknown) is exceptions.UnknownPostgresError
    assert family_of(unknown) is FAMILY_OF_CLASS[prefix]


@pytest.mark.parametrize("state", ["42501", "55000", "22023", "XX000"])
@pytest.mark.parametrize("severity", ["FATAL", "PANIC"])
def test_whatever_ends_the_session_says_nothing_about_the_statement(state, severity):
    assert family_of(server_error(state)) is Family.WRONG
    assert family_of(server_error(state, severity=severity)) is Family.AWAY


@pytest.mark.parametrize(
    "message",
    [
        "pool is closing",
        "pool is closed",
        "connection is closed",
        "cannot perform operation: connection is closed",
        "cannot perform operation: another operation is cancelling",
        "cannot call Connection.execute(): connection has been released back to the pool",
    ],
)
def test_a_pool_or_a_connection_that_is_gone_is_away(message):
    assert family_of(exceptions.InterfaceError(message)) is Family.AWAY


@pytest.mark.parametrize(
    "message",
    [
        "the server expects 1 argument for this query, 2 were passed",
        "cannot start; the transaction is already started",
    ],
)
def test_a_call_that_does_not_fit_is_a_bug(message):
    assert family_of(exceptions.InterfaceError(message)) is Family.WRONG


@pytest.mark.parametrize(
    "error",
    [TimeoutError(), ConnectionResetError(), BrokenPipeError(), ssl.SSLError()],
    ids=repr,
)
def test_the_networks_own_errors_are_away(error):
    assert family_of(error) is Family.AWAY


@pytest.mark.parametrize("error", [asyncio.CancelledError(), KeyError("x"), ValueError("x")], ids=repr)
async def test_what_is_not_the_drivers_goes_through_as_it_came(error):
    with pytest.raises(type(error)) as raised:
        async with translated():
            raise error
    assert raised.value is error


@pytest.mark.parametrize(
    ("context", "refusal"),
    [
        ('while locking tuple (0,3) in relation "applications"', RowBusy),
        ('while inserting index tuple (4,12) in relation "idempotency_keys"', RowBusy),
        ('beim Sperren von Tupel (0,3) in Relation "applications"', RowBusy),
        ("PL/pgSQL function append_only() line 3 at RAISE", DatabaseBusy),
        (None, DatabaseBusy),
    ],
)
async def test_a_wait_for_a_row_is_told_from_a_wait_for_a_table(context, refusal):
    with pytest.raises(Unavailable) as raised:
        async with translated():
            raise server_error("55P03", context=context)
    assert type(raised.value) is refusal
    assert raised.value.retry_after_s is not None


async def test_each_family_becomes_what_callers_know():
    with pytest.raises(DatabaseUnavailable):
        async with translated():
            raise server_error("57P01", severity="FATAL")
    with pytest.raises(DatabaseBusy):
        async with translated():
            raise server_error("40P01")
    with pytest.raises(UniqueRule):
        async with translated():
            raise server_error("23505")
    with pytest.raises(asyncpg.CheckViolationError):
        async with translated():
            raise server_error("23514")


def test_a_connection_that_ended_between_prepare_and_execute_is_away():
    """asyncpg then calls a method of its protocol, which is None by then."""
    protocol: Any = None
    with pytest.raises(AttributeError) as stumbled:
        protocol.bind_execute()
    assert family_of(stumbled.value) is Family.AWAY
    with pytest.raises(AttributeError) as bug:
        protocol.amount_minor()
    assert family_of(bug.value) is Family.WRONG
