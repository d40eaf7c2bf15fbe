"""A loop that no longer turns is found by its missing beat, and a process that stood still as a whole is forgiven."""

import asyncio
import subprocess
import sys
import textwrap

import pytest

from fundline.platform.liveness import HUNG_EXIT_CODE, Heartbeat, Watchdog
from fundline.platform.loop import Loop
from fundline.platform.refusals import Unavailable


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


class Watched:
    """A heartbeat with a limit of 10 s and a watchdog with 5 s of grace; `ended` is what it ended the process for."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.heartbeat = Heartbeat("poller", 10.0, clock=self.clock)
        self.ended: list[str] = []
        self.watchdog = Watchdog([self.heartbeat], grace_s=5.0, end=self.ended.append, clock=self.clock)

    def pass_by(self, seconds: float) -> None:
        """The watchdog looks four times a second, as it does when the machine is well."""
        for _ in range(int(seconds * 4)):
            self.clock.now_s += 0.25
            self.watchdog.look()


@pytest.fixture
def watched() -> Watched:
    return Watched()


def test_a_loop_that_has_not_begun_is_not_late(watched):
    watched.pass_by(60)
    assert (watched.watchdog.late(), watched.ended) == ([], [])


def test_a_loop_is_late_only_past_its_limit_and_the_process_ends_only_past_the_grace(watched):
    watched.heartbeat.beat()
    watched.pass_by(10)
    assert watched.watchdog.late() == []
    watched.pass_by(0.25)
    assert watched.watchdog.late() == ["poller"]
    watched.pass_by(4.75)
    assert watched.ended == []
    watched.pass_by(0.25)
    assert watched.ended == ["poller"]


def test_a_rest_that_was_announced_does_not_count(watched):
    watched.heartbeat.beat(rest_s=600)
    watched.pass_by(610)
    assert watched.watchdog.late() == []
    watched.pass_by(1)
    assert watched.watchdog.late() == ["poller"]


def test_a_loop_that_beats_again_or_has_ended_is_late_no_more(watched):
    watched.heartbeat.beat()
    watched.pass_by(11)
    watched.heartbeat.beat()
    assert watched.watchdog.late() == []
    watched.pass_by(11)
    watched.heartbeat.end()
    assert (watched.watchdog.late(), watched.ended) == ([], [])


def test_a_process_that_was_frozen_as_a_whole_is_forgiven(watched):
    """SIGSTOP and SIGCONT, or a starved machine: the watchdog's own look is late as well."""
    watched.heartbeat.beat()
    watched.pass_by(8)
    watched.clock.now_s += 3600
    watched.watchdog.look()
    assert (watched.watchdog.late(), watched.ended) == ([], [])
    watched.pass_by(4)
    assert (watched.watchdog.late(), watched.ended) == (["poller"], [])


def test_a_process_whose_event_loop_stands_still_ends_by_itself_and_says_where(tmp_path):
    """The watchdog is a thread: what it ends need not cooperate."""
    script = tmp_path / "hangs.py"
    script.write_text(
        textwrap.dedent("""
            import asyncio, threading
            from fundline.platform.liveness import Heartbeat, Watchdog

            async def main():
                heartbeat = Heartbeat("event-loop", 0.2)
                heartbeat.beat()
                Watchdog([heartbeat], grace_s=0.2).start()
                hangs_here()

            def hangs_here():
                threading.Event().wait()

            asyncio.run(main())
        """)
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == HUNG_EXIT_CODE
    assert '"fundline.loop":"event-loop"' in done.stderr
    assert "hangs_here" in done.stderr


class Turning(Loop):
    def __init__(self, *, every_s: float = 0.0) -> None:
        super().__init__("turning", every_s=every_s)
        self.turns = 0
        self.trouble: Exception | None = None
        self.turned = asyncio.Event()

    async def turn(self) -> None:
        self.turns += 1
        self.turned.set()
        if self.trouble is not None:
            raise self.trouble


async def test_a_loop_survives_what_is_away_and_beats_at_each_turn():
    loop, stop = Turning(), asyncio.Event()
    loop.trouble = Unavailable("the database is away")
    running = asyncio.create_task(loop.run(stop))
    async with asyncio.timeout(20):
        while loop.turns < 5:
            await asyncio.sleep(0)
    assert loop.heartbeat.late_s < 0
    stop.set()
    await running
    assert loop.heartbeat.age_s == 0


async def test_a_bug_ends_the_loop_and_with_it_the_process():
    loop = Turning()
    loop.trouble = KeyError("oops")
    with pytest.raises(KeyError, match="oops"):
        await loop.run(asyncio.Event())


async def test_a_resting_loop_is_woken_by_work_and_by_the_stop():
    loop, stop = Turning(every_s=3600), asyncio.Event()
    running = asyncio.create_task(loop.run(stop))
    async with asyncio.timeout(20):
        await loop.turned.wait()
        loop.turned.clear()
        loop.wake()
        await loop.turned.wait()
        stop.set()
        await running
    assert loop.turns == 2
