"""Runs steps side by side, each as soon as what it depends on is done."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fundline.platform.command_errors import CommandFailed


@dataclass(frozen=True, slots=True)
class Step:
    """One piece of work. `run` blocks; `is_heavy` steps share the limit of how many run at once."""

    name: str
    run: Callable[[], None]
    depends_on: tuple[str, ...] = ()
    is_heavy: bool = False


class Interrupted(CommandFailed):
    """A person asked to stop while the steps were running."""

    def __init__(self) -> None:
        super().__init__("The start was interrupted.")


def run_side_by_side(
    steps: Sequence[Step], heavy_at_once: int, stopping: threading.Event, look_every_s: float = 0.1
) -> None:
    """Run all steps; the first failure (or `stopping`) ends the wait and is raised.

    Steps run in daemon threads, so that a download that cannot be interrupted does not hold the program.
    """
    _require_known(steps)
    done: set[str] = set()
    failures: list[BaseException] = []
    started: set[str] = set()
    running_heavy: set[str] = set()
    changed = threading.Condition()

    def work(step: Step) -> None:
        failure: BaseException | None = None
        try:
            step.run()
        except BaseException as error:
            failure = error
        with changed:
            running_heavy.discard(step.name)
            if failure is None:
                done.add(step.name)
            else:
                failures.append(failure)
            changed.notify_all()

    with changed:
        while len(done) < len(steps):
            if stopping.is_set():
                raise Interrupted
            if failures:
                raise failures[0]
            for step in steps:
                is_due = step.name not in started and done.issuperset(step.depends_on)
                if is_due and not (step.is_heavy and len(running_heavy) >= heavy_at_once):
                    started.add(step.name)
                    if step.is_heavy:
                        running_heavy.add(step.name)
                    threading.Thread(target=work, args=(step,), name=step.name, daemon=True).start()
            changed.wait(look_every_s)


def _require_known(steps: Sequence[Step]) -> None:
    """Each dependency is an earlier step: so the order is complete and has no circle."""
    earlier: set[str] = set()
    for step in steps:
        unknown = set(step.depends_on) - earlier
        if unknown:
            raise ValueError(f"{step.name} depends on {sorted(unknown)}, which is not an earlier step")
        earlier.add(step.name)
