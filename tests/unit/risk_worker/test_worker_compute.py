import os
import threading

import pytest

from fundline.services.risk_worker.compute import NICENESS, Compute


@pytest.fixture
async def compute():
    made = Compute(1)
    yield made
    await made.close()


def niceness() -> int:
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


OWN = niceness()
"""Of whoever runs the tests; it may be a low one already."""


async def test_a_simulation_runs_in_a_thread_that_gives_way_and_the_rest_of_the_process_does_not(compute):
    assert await compute.run(niceness) == min(NICENESS, 19)
    assert niceness() == OWN


async def test_what_it_raises_comes_back(compute):
    with pytest.raises(ZeroDivisionError):
        await compute.run(divmod, 1, 0)


async def test_work_never_runs_on_the_thread_of_the_event_loop(compute):
    assert await compute.run(threading.get_ident) != threading.get_ident()
