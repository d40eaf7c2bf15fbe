import threading

import pytest

from fundline.platform.command_errors import CommandFailed
from fundline.stack.side_by_side import Interrupted, Step, run_side_by_side

LIMIT_S = 10


def run(steps, heavy_at_once=6, stopping=None):
    run_side_by_side(steps, heavy_at_once, stopping or threading.Event(), look_every_s=0.01)


def test_a_step_starts_after_what_it_depends_on():
    order = []
    run(
        [
            Step("engine", lambda: order.append("engine")),
            Step("service", lambda: order.append("service"), ("engine",)),
        ]
    )
    assert order == ["engine", "service"]


def test_steps_without_dependencies_run_at_the_same_time():
    meeting = threading.Barrier(2, timeout=LIMIT_S)
    run([Step("one", meeting.wait), Step("two", meeting.wait)])


def test_no_more_heavy_steps_run_at_once_than_allowed():
    running, most = [], []
    lock = threading.Lock()

    def work():
        with lock:
            running.append(1)
            most.append(len(running))
        threading.Event().wait(0.02)
        with lock:
            running.pop()

    run([Step(f"service-{n}", work, is_heavy=True) for n in range(6)], heavy_at_once=2)
    assert max(most) <= 2


def test_the_first_failure_is_raised_and_what_depends_on_it_never_starts():
    started = []

    def fail():
        raise CommandFailed("PostgreSQL is broken; mend it.")

    with pytest.raises(CommandFailed, match="mend it"):
        run([Step("postgres", fail), Step("service", lambda: started.append(1), ("postgres",))])
    assert not started


def test_a_stop_interrupts_the_wait_for_a_step_that_cannot_be_interrupted():
    stopping, release = threading.Event(), threading.Event()

    def download():
        stopping.set()
        release.wait(LIMIT_S)

    with pytest.raises(Interrupted):
        run([Step("download", download)], stopping=stopping)
    release.set()


def test_a_dependency_that_is_no_earlier_step_is_refused():
    with pytest.raises(ValueError, match="nobody"):
        run([Step("service", lambda: None, ("nobody",))])
