"""The limit of a cached read: GET against Valkey itself.

Measured by `valkey-benchmark` or `redis-benchmark` when the machine has one (the Valkey wheel brings none), else by
a client of our own, which then is named in the report: it reaches less than those, so the ratio flatters us.
"""

import csv
import select
import shutil
import socket
import subprocess
import time

from load.connection import Peer

PROGRAMS = ("valkey-benchmark", "redis-benchmark")
_KEY = "bench:limit"


def measured_by() -> str:
    """Which client measures the limit on this machine."""
    return next((name for name in PROGRAMS if shutil.which(name)), "own client (tests/load/cache_limit.py)")


class CacheLimit:
    """One value of the size of a cached status, read over and over."""

    def __init__(self, cache: Peer, value_bytes: int) -> None:
        self._cache, self._value_bytes = cache, value_bytes
        self._rate_guess = 20_000.0

    def gets_per_second(self, clients: int, duration_s: float) -> float:
        program = next((name for name in PROGRAMS if shutil.which(name)), None)
        if program is None:
            return self._by_own_client(clients, duration_s)
        self._rate_guess = self._by_program(program, clients, round(self._rate_guess * duration_s))
        return self._rate_guess

    def _by_program(self, program: str, clients: int, requests: int) -> float:
        server = ("-h", self._cache.host, "-p", str(self._cache.port))
        load = ("-t", "set,get", "-c", str(clients), "-n", str(requests), "-d", str(self._value_bytes))
        report = subprocess.run(
            [program, *server, *load, "--csv"], capture_output=True, text=True, timeout=120, check=True
        )
        rows = [row for row in csv.reader(report.stdout.splitlines()) if row and row[0] == "GET"]
        return float(rows[0][1])

    def _by_own_client(self, clients: int, duration_s: float) -> float:
        sockets = [socket.create_connection((self._cache.host, self._cache.port)) for _ in range(clients)]
        value = b"x" * self._value_bytes
        sockets[0].sendall(_wire(b"SET", _KEY.encode(), value, b"EX", b"600"))
        sockets[0].recv(64)
        answers = _ask_over_and_over(sockets, len(value), duration_s)
        for one in sockets:
            one.close()
        return answers / duration_s


def _ask_over_and_over(sockets: list[socket.socket], value_bytes: int, duration_s: float) -> int:
    """One request in flight per connection, as the benchmark programs do it by default."""
    question = _wire(b"GET", _KEY.encode())
    whole = len(b"$%d\r\n" % value_bytes) + value_bytes + 2
    poll = select.epoll()
    by_number = {}
    missing = {}
    for one in sockets:
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        poll.register(one.fileno(), select.EPOLLIN)
        by_number[one.fileno()] = one
        missing[one.fileno()] = whole
        one.sendall(question)
    answers, end = 0, time.monotonic() + duration_s
    while time.monotonic() < end:
        for number, _ in poll.poll(1.0):
            missing[number] -= len(by_number[number].recv(65536))
            if missing[number] == 0:
                answers += 1
                missing[number] = whole
                by_number[number].sendall(question)
    poll.close()
    return answers


def _wire(*parts: bytes) -> bytes:
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%b\r\n" % (len(part), part) for part in parts)
