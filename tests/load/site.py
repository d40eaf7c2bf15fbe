"""The stack under test: private, with those of Fundline's processes that a figure needs."""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from urllib.parse import urlsplit

from rich.console import Console

from fundline.stack.engines.postgres_files import PACKAGE, TITLE
from fundline.stack.engines.preflight import package_folder, plain_environment, run_program
from fundline.stack.fleet import FLEET, Process
from fundline.stack.keys import StackKeys
from fundline.stack.layout import LOOPBACK, Ports, StackHome
from fundline.stack.progress import Progress
from fundline.stack.running import Stack
from fundline.stack.up import running_stack
from load.connection import Peer
from load.people import Applicants

APPLICANTS = 200
"""Subjects with a token each, because the gateway limits the rate per subject."""
FRONT: Mapping[str, int] = {"application-api": 1, "status-service": 1}
"""The two processes that are measured by themselves: no router publishes what they write, no worker consumes it."""
SCORING: Mapping[str, int] = {"application-api": 1, "model-service": 1}
"""What fills a queue and what its workers ask; router and workers are started by the figure itself."""


@dataclass(frozen=True)
class Site:
    """A running stack and the people who use it."""

    stack: Stack
    run: str
    """Unique to this run; stands in subjects."""

    @cached_property
    def applicants(self) -> Applicants:
        return Applicants.with_tokens(self.stack.token, APPLICANTS, self.run)

    def direct(self, process: str) -> Peer:
        """The first instance of a process, without the gateway."""
        return Peer(LOOPBACK, self.stack.ports.of_process(process, 1))

    @property
    def gateway(self) -> Peer:
        authority = StackKeys(self.stack.home).authority_certificate
        return Peer("localhost", self.stack.ports.gateway, str(authority))

    def pids(self, *names: str) -> dict[str, int]:
        """By instance or engine name, such as `application-api-1` or `postgres`."""
        running = {r.instance: r.identity.pid for r in self.stack.processes() if r.identity is not None}
        return {name: running[name] for name in names}

    def sql(self, script: str) -> str:
        """As superuser in Fundline's database; returns unaligned rows."""
        return self.stack.postgres.run_sql(script, database="fundline")

    def pgbench(self, *arguments: str, timeout_s: float) -> str:
        """Run pgbench as the role of the processes; returns its report."""
        url = urlsplit(self.stack.postgres.app_url)
        program = str(package_folder(PACKAGE, TITLE) / "pginstall" / "bin" / "pgbench")
        server = ("-h", LOOPBACK, "-p", str(url.port), "-U", str(url.username))
        return run_program(
            [program, "--no-vacuum", *server, *arguments, url.path.removeprefix("/")],
            "pgbench",
            env={**plain_environment(), "PGPASSWORD": str(url.password)},
            timeout_s=timeout_s,
        )


@contextmanager
def running_site(home: StackHome, ports: Ports, instances: Mapping[str, int] | None = None) -> Iterator[Site]:
    """`instances` by process name; None: the whole fleet, as `make up` starts it."""
    progress = Progress(Console(stderr=True, highlight=False))
    with running_stack(home, ports, fleet=_fleet(instances), progress=progress) as stack:
        yield Site(stack, secrets.token_hex(4))


def _fleet(instances: Mapping[str, int] | None) -> tuple[Process, ...]:
    if instances is None:
        return FLEET
    return tuple(replace(p, instances=instances[p.name]) for p in FLEET if p.name in instances)
