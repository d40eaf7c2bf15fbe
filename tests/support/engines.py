"""Real engines, started once per run; each test gets its own database (from a template) and its own topics."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from fundline.platform.kafka.topics import create_topics
from fundline.stack.layout import Ports, StackHome
from fundline.stack.private import private_home
from fundline.stack.up import running_engines


@dataclass(frozen=True)
class Engines:
    """Addresses of the running engines. `stack` gives access to the nodes themselves."""

    stack: object
    home: StackHome
    bootstrap: str
    kafka_dialect: str
    cache_url: str


@contextmanager
def started_engines() -> Iterator[Engines]:
    with private_home() as home, running_engines(home, Ports.free()) as stack:
        settings = stack.settings
        yield Engines(
            stack=stack,
            home=home,
            bootstrap=settings["FUNDLINE_KAFKA_BOOTSTRAP"],
            kafka_dialect=settings["FUNDLINE_KAFKA_DIALECT"],
            cache_url=settings["FUNDLINE_CACHE_URL"],
        )


@contextmanager
def own_database(engines: Engines) -> Iterator[str]:
    """A fresh, migrated database; yields the address for the role of the processes."""
    postgres = engines.stack.postgres  # type: ignore[attr-defined]  # Engines is typed loosely on purpose
    name = f"test_{uuid.uuid4().hex[:12]}"
    postgres.run_sql(f'create database "{name}" template fundline owner fundline_owner;')
    try:
        yield postgres.app_url.rsplit("/", 1)[0] + f"/{name}"
    finally:
        postgres.run_sql(f'drop database "{name}" with (force);')


def own_topics(engines: Engines) -> str:
    """A fresh set of all topics; returns their prefix."""
    prefix = f"test-{uuid.uuid4().hex[:8]}."
    create_topics(engines.bootstrap, prefix=prefix, partitions=2)
    return prefix
