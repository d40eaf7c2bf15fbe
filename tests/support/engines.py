"""Real engines, started once per run; each test gets its own database (from a template) and its own topics."""

import asyncio
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import asyncpg
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from fundline.contracts.topics import all_topic_names
from fundline.platform.command_errors import CommandFailed
from fundline.platform.kafka.topics import create_topics
from fundline.stack.engines.postgres import PostgresNode
from fundline.stack.engines.postgres_roles import DATABASE
from fundline.stack.fleet import FLEET
from fundline.stack.layout import StackHome
from fundline.stack.private import private_home
from fundline.stack.running import Stack
from fundline.stack.up import running_stack
from support.ports import free_ports

OWN_TOPICS = "test-"
"""How the topics begin that a test has for itself: a whole run makes thousands."""
_TEMPLATE = "fundline_template"
_THROWN_AWAY = (
    "alter system set fsync = off; alter system set full_page_writes = off; select pg_reload_conf();"
)
"""Each test makes a database and drops it: waiting for the disk would be most of it. A process that dies still loses
nothing; only a machine that does would. The fleet's database keeps the settings of the platform."""


@dataclass(frozen=True)
class Engines:
    """Addresses of the running engines. `stack` gives access to the nodes, and to the fleet when it runs."""

    stack: Stack
    home: StackHome
    bootstrap: str
    kafka_dialect: str
    cache_url: str
    databases: "DatabaseMaker"


class DatabaseMaker:
    """One session of the superuser for a whole run: psql for each statement starts two processes for each test."""

    def __init__(self, postgres: PostgresNode) -> None:
        self._postgres, self._loop = postgres, asyncio.new_event_loop()
        self._session: asyncpg.Connection[asyncpg.Record] | None = None

    def run(self, statement: str) -> None:
        """Once more on a new session, should the server have been killed since. Raises PostgresError or OSError."""
        try:
            self._loop.run_until_complete(self._run(statement))
        except (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, OSError):
            self._session = None
            self._loop.run_until_complete(self._run(statement))

    def close(self) -> None:
        if self._session is not None:
            self._session.terminate()
        self._loop.close()

    async def _run(self, statement: str) -> None:
        if self._session is None or self._session.is_closed():
            address = self._postgres.superuser_url.rsplit("/", 1)[0] + "/postgres"
            self._session = await asyncpg.connect(address, timeout=30)
        await self._session.execute(statement, timeout=60)


@contextmanager
def started_engines(*, with_fleet: bool) -> Iterator[Engines]:
    fleet = FLEET if with_fleet else ()
    with private_home() as home, running_stack(home, free_ports(), fleet=fleet) as stack:
        settings = stack.settings
        maker = DatabaseMaker(stack.postgres)
        if not with_fleet:
            stack.postgres.run_sql(_THROWN_AWAY)
            # nobody is connected here to the database that the stack has migrated, so it can be copied
            maker.run(f"create database {_TEMPLATE} template {DATABASE} owner fundline_owner")
        try:
            yield Engines(
                stack=stack,
                home=home,
                bootstrap=settings["FUNDLINE_KAFKA_BOOTSTRAP"],
                kafka_dialect=settings["FUNDLINE_KAFKA_DIALECT"],
                cache_url=settings["FUNDLINE_CACHE_URL"],
                databases=maker,
            )
        finally:
            maker.close()
            kill_services(stack)


def kill_services(stack: Stack) -> None:
    """Before it stops: what nobody looks at any more need not drain, which takes a fleet half a minute."""
    stack._supervisor.close()
    for record in stack.processes():
        if record.kind == "service":
            with suppress(CommandFailed):  # not running at this moment
                stack.kill(record.instance)


@contextmanager
def own_database(engines: Engines) -> Iterator[str]:
    """A fresh, migrated database; yields the address for the role of the processes."""
    postgres = engines.stack.postgres
    name = f"test_{uuid.uuid4().hex[:12]}"
    engines.databases.run(f'create database "{name}" template {_TEMPLATE} owner fundline_owner')
    try:
        yield postgres.app_url.rsplit("/", 1)[0] + f"/{name}"
    finally:
        engines.databases.run(f'drop database "{name}" with (force)')


@contextmanager
def own_topics(engines: Engines) -> Iterator[str]:
    """A fresh set of all topics; yields their prefix.

    They go afterwards: a broker with thousands is slow to start again.
    """
    prefix = f"{OWN_TOPICS}{uuid.uuid4().hex[:8]}."
    create_topics(engines.bootstrap, prefix=prefix, partitions=2)
    yield prefix
    admin = AdminClient({"bootstrap.servers": engines.bootstrap})
    for told in admin.delete_topics(
        [prefix + name for name in all_topic_names()], request_timeout=5
    ).values():
        with suppress(KafkaException):  # a test may have ended the broker
            told.result(10)
