import asyncio
import threading

import pytest
from prometheus_client import CollectorRegistry

from fundline.platform.telemetry.metrics import Metrics
from fundline.services.model_service.compute import CallerGone, InferenceQueue, QueueFull, TooLate


@pytest.fixture
def metrics():
    return Metrics(CollectorRegistry())


@pytest.fixture
async def queue(metrics):
    """One thread, and room for two that wait."""
    made = InferenceQueue(threads=1, longest=2, metrics=metrics)
    yield made
    await made.close()


async def stays():
    await asyncio.Event().wait()


def depth(metrics):
    return metrics.registry.get_sample_value("fundline_model_queue_depth")


async def run(queue, work, *, within_s=60.0, caller_leaves=stays):
    return await queue.run(work, within_s=within_s, caller_leaves=caller_leaves())


async def test_the_result_and_the_exception_of_the_work_come_back(queue):
    assert await run(queue, lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        await run(queue, lambda: 1 // 0)


async def test_work_never_runs_on_the_thread_of_the_event_loop(queue):
    assert await run(queue, threading.get_ident) != threading.get_ident()


async def test_one_more_than_the_queue_takes_is_refused_and_a_cancelled_caller_makes_room(queue, metrics):
    go = threading.Event()
    held = [asyncio.create_task(run(queue, lambda: go.wait(60))) for _ in range(3)]
    await asyncio.sleep(0)
    assert depth(metrics) == 2
    with pytest.raises(QueueFull):
        await run(queue, lambda: 7)
    held[2].cancel()
    await asyncio.wait([held[2]])
    assert depth(metrics) == 1
    last = asyncio.create_task(run(queue, lambda: 7))
    await asyncio.sleep(0)
    go.set()
    assert await last == 7
    assert depth(metrics) == 0


@pytest.mark.parametrize(
    ("within_s", "outcome"), [(0.01, TooLate), (60.0, CallerGone)], ids=["too late", "caller gone"]
)
async def test_what_is_not_wanted_any_more_is_skipped(queue, within_s, outcome):
    go, computed = threading.Event(), []

    async def leaves():
        await asyncio.sleep(0.05)

    first = asyncio.create_task(run(queue, lambda: go.wait(60)))
    await asyncio.sleep(0)
    with pytest.raises(outcome):
        await run(queue, lambda: computed.append(1), within_s=within_s, caller_leaves=leaves)
    go.set()
    assert await first
    assert await run(queue, lambda: 7) == 7
    assert computed == []


async def test_closing_finishes_what_was_accepted(metrics):
    queue = InferenceQueue(threads=1, longest=2, metrics=metrics)
    go = threading.Event()
    accepted = [asyncio.create_task(run(queue, lambda: go.wait(60))) for _ in range(3)]
    await asyncio.sleep(0)
    closing = asyncio.create_task(queue.close())
    go.set()
    assert await asyncio.gather(*accepted) == [True, True, True]
    await closing
