"""Where the CPU-heavy part runs: threads of their own, never the event loop and never the thread that polls Kafka.

Threads are enough because numpy lets go of the interpreter while it works on an array; more cores are used by more
processes of the pool.
"""

import asyncio
import functools
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


NICENESS = 10


class Compute:
    def __init__(self, threads: int) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="compute", initializer=_give_way)

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        work = functools.partial(function, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)

    async def close(self) -> None:
        """What runs is finished; what waits is dropped: its message is delivered to another process."""
        await asyncio.to_thread(self._executor.shutdown, cancel_futures=True)


def _give_way() -> None:
    """Where cores are short, whoever answers applicants comes first: on Linux a thread has a niceness of its own."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
