"""Real engines, started once per run; each test gets its own database (from a template) and its own topics."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from fundline.contracts.topics import all_topic_names
from fundline.platform.command_errors import CommandFailed
from fundline.platform.kafka.topics import create_topics
from fundline.stack.fleet import FLEET
from fundline.stack.layout import StackHome
from fundline.stack.preparation import migrate
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


@contextmanager
def started_engines(*, with_fleet: bool) -> Iterator[Engines]:
    fleet = FLEET if with_fleet else ()
    with private_home() as home, running_stack(home, free_ports(), fleet=fleet) as stack:
        settings = stack.settings
        if not with_fleet:
            stack.postgres.run_sql(_THROWN_AWAY)
        _make_template(stack)
        try:
            yield Engines(
                stack=stack,
                home=home,
                bootstrap=settings["FUNDLINE_KAFKA_BOOTSTRAP"],
                kafka_dialect=settings["FUNDLINE_KAFKA_DIALECT"],
                cache_url=settings["FUNDLINE_CACHE_URL"],
            )
        finally:
            kill_services(stack)


def kill_services(stack: Stack) -> None:
    """Before it stops: what nobody looks at any more need not drain, which takes a fleet half a minute."""
    stack._supervisor.close()
    for record in stack.processes():
        if record.kind == "service":
            with suppress(CommandFailed):  # not running at this moment
                stack.kill(record.instance)


def _make_template(stack: Stack) -> None:
    """A migrated database that nobody is connected to: the fleet's own cannot be copied while it is used."""
    stack.postgres.run_sql(f"create database {_TEMPLATE} owner fundline_owner;")
    migrate(
        stack.postgres.owner_url.rsplit("/", 1)[0] + f"/{_TEMPLATE}", stack.home.log_file("migrate-template")
    )


@contextmanager
def own_database(engines: Engines) -> Iterator[str]:
    """A fresh, migrated database; yields the address for the role of the processes."""
    postgres = engines.stack.postgres
    name = f"test_{uuid.uuid4().hex[:12]}"
    postgres.run_sql(f'create database "{name}" template {_TEMPLATE} owner fundline_owner;')
    try:
        yield postgres.app_url.rsplit("/", 1)[0] + f"/{name}"
    finally:
        postgres.run_sql(f'drop database "{name}" with (force);')


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
