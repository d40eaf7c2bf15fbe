"""Where one stack keeps its files, and on which ports it listens."""

import hashlib
import os
import random
import shutil
import socket
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Self

from fundline.platform.command_errors import CommandFailed

LOOPBACK = "127.0.0.1"
PORT_SETTING_PREFIX = "FUNDLINE_PORT_"
INSTANCES_PER_PROCESS = 10
HIGHEST_PORT = 65_535
PRIVATE_PORTS = range(20_000, 31_000)
"""Below the range from which Linux takes the ports of outgoing connections."""


@dataclass(frozen=True)
class StackHome:
    """The folder of one stack: everything it writes is inside, but for `outside`."""

    root: Path

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """FUNDLINE_HOME, or `var` in the current folder."""
        return cls(Path(environ.get("FUNDLINE_HOME") or "var").absolute())

    @property
    def data(self) -> Path:
        """What must survive a restart."""
        return self.root / "data"

    @property
    def logs(self) -> Path:
        """One file per program."""
        return self.root / "logs"

    @property
    def keys(self) -> Path:
        """Secrets and certificates; mode 700."""
        return self.root / "keys"

    @property
    def run(self) -> Path:
        """Generated configurations and the runner's state; may be deleted while nothing runs."""
        return self.root / "run"

    @property
    def audit_anchors(self) -> Path:
        """Signed heads of the audit trail, apart from the database's own folder."""
        return self.data / "audit" / "anchors.jsonl"

    @property
    def outside(self) -> Path:
        """Where an engine that drops root lives when its account cannot reach `root`."""
        return Path("/var/lib/fundline") / hashlib.sha256(str(self.root).encode()).hexdigest()[:12]

    def log_file(self, name: str) -> Path:
        """The log of one program, such as `postgres` or `risk-worker-1`."""
        return self.logs / f"{name}.log"

    def create(self) -> Self:
        """Makes the folders; safe to repeat. Raises CommandFailed when the place cannot be written."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            for folder in (self.data, self.logs, self.run, self.keys):
                folder.mkdir(exist_ok=True)
                folder.chmod(0o700 if folder == self.keys else 0o755)
        except OSError as error:
            raise CommandFailed(
                f"The folder {self.root} cannot be written ({error.strerror}); "
                "make it writable or set FUNDLINE_HOME to another folder."
            ) from error
        return self

    def wipe(self) -> None:
        """Deletes what a stopped stack wrote, inside and outside; other files in `root` are left alone."""
        for folder in (self.data, self.logs, self.keys, self.run, self.outside):
            if folder.exists():
                shutil.rmtree(folder)
        if self.root.exists() and not any(self.root.iterdir()):
            self.root.rmdir()


@dataclass(frozen=True)
class Ports:
    """Every port of a stack, all on 127.0.0.1; each is a setting, FUNDLINE_PORT_ and the field's name.

    A process with several instances, and the replicas of PostgreSQL, count upwards from their port: ten each.
    """

    kafka: int = 17092
    kafka_controller: int = 17093
    bank_sandbox: int = 17100
    event_router: int = 17110
    application_api: int = 17120
    application_events: int = 17130
    risk_worker: int = 17140
    disbursement_worker: int = 17150
    status_service: int = 17160
    model_service: int = 17170
    risk_worker_express: int = 17180
    operations_api: int = 17190
    notification_service: int = 17200
    reconciler: int = 17210
    dead_letter_keeper: int = 17220
    mail_sink: int = 17230
    mail_sink_smtp: int = 17240
    valkey: int = 17379
    postgres: int = 17432
    postgres_replica: int = 17433
    gateway: int = 17443
    gateway_admin: int = 17444

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """The defaults with the FUNDLINE_PORT_* settings over them."""
        ports = cls()
        for field in fields(cls):
            setting = PORT_SETTING_PREFIX + field.name.upper()
            if text := environ.get(setting):
                if not text.isdecimal() or not 1 <= int(text) <= HIGHEST_PORT:
                    raise CommandFailed(
                        f"{setting} is “{text}”; set it to a port number between 1 and {HIGHEST_PORT}."
                    )
                ports = replace(ports, **{field.name: int(text)})
        return ports

    @classmethod
    def free(cls, within: range = PRIVATE_PORTS) -> Self:
        """A private set of ports nobody listens on, for a demo or a test run."""
        defaults = [getattr(cls(), field.name) for field in fields(cls)]
        span = max(defaults) - min(defaults) + INSTANCES_PER_PROCESS
        for _ in range(200):
            start = random.randrange(within.start, within.stop - span)
            shift = start - min(defaults)
            ports = cls(**{field.name: getattr(cls(), field.name) + shift for field in fields(cls)})
            if all(is_port_free(port) for port in ports.all()):
                return ports
        raise CommandFailed(
            f"No free ports are left between {within.start} and {within.stop}; stop other programs and try again."
        )

    def of_process(self, process: str, instance: int) -> int:
        """The HTTP port of a process by its fleet name; `instance` counts from 1 to 10."""
        if not 1 <= instance <= INSTANCES_PER_PROCESS:
            raise CommandFailed(
                f"{process} can run in 1 to {INSTANCES_PER_PROCESS} instances, not {instance}."
            )
        return int(getattr(self, process.replace("-", "_"))) + instance - 1

    def all(self) -> list[int]:
        """The ports that the default fleet uses: the first two instances of each process count."""
        single = {
            "kafka",
            "kafka_controller",
            "valkey",
            "postgres",
            "gateway",
            "gateway_admin",
            "mail_sink_smtp",
        }
        first = [getattr(self, field.name) for field in fields(self)]
        second = [getattr(self, field.name) + 1 for field in fields(self) if field.name not in single]
        return first + second

    def as_environment(self) -> dict[str, str]:
        """The FUNDLINE_PORT_* settings that give these ports, for a child process."""
        return {PORT_SETTING_PREFIX + f.name.upper(): str(getattr(self, f.name)) for f in fields(self)}


def is_port_free(port: int) -> bool:
    """Whether a program could listen on the port now, at 127.0.0.1."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
