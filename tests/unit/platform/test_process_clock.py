"""The clock of a process: the database's, within what its answers prove, whatever happens to the machine's own."""

from datetime import UTC, datetime

import pytest

from fundline.platform.clock import ProcessClock

TRUE_S = 1_800_000_000.0


class Machine:
    """A machine whose clock somebody may set; its steady clock nobody can."""

    def __init__(self, ahead_s: float) -> None:
        self.ahead_s, self.up_s = ahead_s, 500.0

    def true_s(self) -> float:
        return TRUE_S + self.up_s

    def machine_s(self) -> float:
        return self.true_s() + self.ahead_s

    def clock(self) -> ProcessClock:
        return ProcessClock(machine_s=self.machine_s, steady_s=lambda: self.up_s)

    def ask(self, clock: ProcessClock, *, there_s: float = 0.0, back_s: float = 0.0) -> None:
        asked_at_s = self.up_s
        self.up_s += there_s
        said_s = self.true_s()
        self.up_s += back_s
        clock.follow(said_s, asked_at_s=asked_at_s, answered_at_s=self.up_s)


@pytest.mark.parametrize("ahead_s", [3600.0, -3600.0])
def test_the_database_is_followed_and_the_machine_is_found_to_be_wrong(ahead_s):
    machine = Machine(ahead_s)
    clock = machine.clock()
    assert clock.epoch_s() == machine.machine_s()
    machine.ask(clock)
    assert clock() == datetime.fromtimestamp(machine.true_s(), UTC)
    assert clock.machine_offset_s == ahead_s


def test_a_machine_whose_clock_is_set_later_changes_nothing():
    machine = Machine(0)
    clock = machine.clock()
    machine.ask(clock)
    machine.ahead_s = -7200
    machine.up_s += 10
    assert clock.epoch_s() == machine.true_s()
    assert clock.machine_offset_s == -7200


def test_a_slow_answer_moves_the_clock_no_further_than_it_proves():
    machine = Machine(0)
    clock = machine.clock()
    machine.ask(clock)
    machine.ask(clock, there_s=0, back_s=9)
    machine.ask(clock, there_s=9, back_s=0)
    assert clock.epoch_s() == machine.true_s()


def test_a_first_answer_that_was_slow_is_mended_by_the_next():
    machine = Machine(0)
    clock = machine.clock()
    machine.ask(clock, there_s=0, back_s=8)
    assert clock.epoch_s() == machine.true_s() - 4
    machine.ask(clock, there_s=0.25, back_s=0.25)
    assert abs(clock.epoch_s() - machine.true_s()) <= 0.25


def test_a_database_whose_clock_is_set_is_followed():
    machine = Machine(0)
    clock = machine.clock()
    machine.ask(clock)
    clock.follow(machine.true_s() + 60, asked_at_s=machine.up_s, answered_at_s=machine.up_s)
    assert clock.epoch_s() == machine.true_s() + 60
