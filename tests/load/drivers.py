"""The two ways of asking: as fast as the answers come (closed loop), or at a constant rate (open loop).

The clock is `time.monotonic`: uvloop's own counts whole milliseconds.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

from load.connection import Connection, Peer
from load.metronome import Metronome

_LAST_ANSWERS_S = 10.0


@dataclass(slots=True)
class Tally:
    """What came back. Latencies in seconds; a status of 0 is a broken connection or an answer that never came."""

    statuses: Counter[int] = field(default_factory=Counter)
    latencies_s: list[float] = field(default_factory=list)
    elapsed_s: float = 0.0
    most_waiting: int = 0
    """Open loop: the largest number of requests that were due and waited for a free connection."""


async def closed_loop(
    peer: Peer, next_request: Callable[[int], bytes], *, connections: int, warm_up_s: float, duration_s: float
) -> Tally:
    """Every connection sends its next request when the last is answered; only the time after the warm-up counts."""
    tally, numbers = Tally(), count()
    begin, end = 0.0, 0.0
    done = asyncio.Event()
    running = connections

    def on_answer(connection: Connection, status: int) -> None:
        nonlocal running
        now = time.monotonic()
        if begin <= connection.planned_at and now <= end:
            tally.statuses[status] += 1
            tally.latencies_s.append(now - connection.planned_at)
        if now < end and status:
            connection.planned_at = now
            connection.send(next_request(next(numbers)))
            return
        running -= 1
        if not running:
            done.set()

    opened = [await Connection.open(peer, on_answer) for _ in range(connections)]
    begin = time.monotonic() + warm_up_s
    end = begin + duration_s
    for connection in opened:
        connection.planned_at = time.monotonic()
        connection.send(next_request(next(numbers)))
    async with asyncio.timeout(warm_up_s + duration_s + _LAST_ANSWERS_S):
        await done.wait()
    for connection in opened:
        connection.close()
    tally.elapsed_s = duration_s
    return tally


async def open_loop(
    peer: Peer, next_request: Callable[[int], bytes], *, connections: int, rate: float, total: int
) -> Tally:
    """`total` requests at `rate` a second, whatever the answers do; latency counts from the planned start."""
    tally = Tally()
    number, answered = 0, 0
    idle: deque[Connection] = deque()
    due: deque[float] = deque()
    done = asyncio.Event()

    def send(connection: Connection, planned_at: float) -> None:
        nonlocal number
        connection.planned_at = planned_at
        connection.send(next_request(number))
        number += 1

    def on_beat(planned_at: float) -> None:
        if idle:
            send(idle.pop(), planned_at)
        else:
            due.append(planned_at)
            tally.most_waiting = max(tally.most_waiting, len(due))

    def on_answer(connection: Connection, status: int) -> None:
        nonlocal answered
        tally.statuses[status] += 1
        tally.latencies_s.append(time.monotonic() - connection.planned_at)
        answered += 1
        if due:
            send(connection, due.popleft())
        else:
            idle.append(connection)
        if answered == total:
            done.set()

    idle.extend([await Connection.open(peer, on_answer) for _ in range(connections)])
    started = time.monotonic()
    metronome = Metronome(rate, total, on_beat)
    metronome.start()
    try:
        async with asyncio.timeout(total / rate + _LAST_ANSWERS_S):
            await done.wait()
    except TimeoutError:
        tally.statuses[0] += total - answered
    metronome.stop()
    tally.elapsed_s = time.monotonic() - started
    for connection in idle:
        connection.close()
    return tally
