"""Shows a run while it goes on: live bars on a terminal, a line a second anywhere else."""

import threading
import time
from collections import Counter
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from fundline.demo.chaos import Kill
from fundline.demo.run import Scene
from fundline.domain.application import ApplicationStatus

PLAIN_LINE_EVERY_S = 1.0
BAR_WIDTH = 40
STYLES: dict[ApplicationStatus, str] = {
    ApplicationStatus.PROCESSING: "dim",
    ApplicationStatus.RISK_SCORING: "cyan",
    ApplicationStatus.APPROVED: "blue",
    ApplicationStatus.DISBURSED: "green",
    ApplicationStatus.PENDING_REVIEW: "yellow",
    ApplicationStatus.REJECTED: "magenta",
    ApplicationStatus.FAILED: "red",
    ApplicationStatus.RETURNED: "red",
    ApplicationStatus.ACCOUNT_NEEDED: "yellow",
}
SHOWN_ORDER = tuple(STYLES)


class Display:
    """Looks at the scene from a thread of its own; the run never waits for it."""

    def __init__(self, scene: Scene, console: Console) -> None:
        self._scene, self._console = scene, console
        self._live: Live | None = None
        self._ended = threading.Event()
        self._plain = threading.Thread(target=self._print_plain_lines, name="display", daemon=True)
        scene.killed = self.show_kill

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live = Live(
                get_renderable=self._render, console=self._console, refresh_per_second=6, transient=True
            )
            self._live.start()
        else:
            self._plain.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        if self._live is not None:
            self._live.stop()
        else:
            self._plain.join(2 * PLAIN_LINE_EVERY_S)

    def show_kill(self, kill: Kill) -> None:
        text = f"{kill.at_ms / 1000:5.1f} s  kill -9 {kill.instance}"
        self._console.print(Text(text, style="bold red"), soft_wrap=True)

    def _print_plain_lines(self) -> None:
        while not self._ended.wait(PLAIN_LINE_EVERY_S):
            sent, accepted, decided, settled = _milestones(self._scene)
            if sent:
                total = len(self._scene.journeys)
                self._console.print(
                    f"{_elapsed_s(self._scene):5.1f} s  {sent} of {total} sent, {accepted} accepted, "
                    f"{decided} decided, {settled} settled",
                    soft_wrap=True,
                )

    def _render(self) -> RenderableType:
        total = len(self._scene.journeys)
        names = ("sent", "accepted", "decided", "settled")
        bars = Table.grid(padding=(0, 2))
        for name, count in zip(names, _milestones(self._scene), strict=True):
            bar = ProgressBar(total, count, width=BAR_WIDTH, complete_style="blue", finished_style="green")
            bars.add_row(Text(name), bar, Text(f"{count:>{len(str(total))}} of {total}", style="dim"))
        return Group(Text(), bars, Text(), _statuses(self._scene), self._now())

    def _now(self) -> Text:
        if self._scene.is_checking:
            return Text("comparing the books with the bank's statement", style="dim")
        if self._scene.is_unhappy:
            return Text("now the unhappy part: a decline, a lost answer, a dead letter", style="dim")
        following = sum(j.application_id is not None and not j.is_settled for j in self._scene.journeys)
        elapsed_s = _elapsed_s(self._scene)
        return Text(f"{elapsed_s:.1f} s, following {following} applications live", style="dim")


def _milestones(scene: Scene) -> tuple[int, int, int, int]:
    sent = accepted = decided = settled = 0
    for journey in scene.journeys:
        sent += journey.sent_at is not None
        accepted += journey.accepted_at is not None
        decided += journey.decided_at is not None
        settled += journey.is_settled
    return sent, accepted, decided, settled


def _statuses(scene: Scene) -> Text:
    counted = Counter(journey.status for journey in scene.journeys)
    line = Text()
    for status in SHOWN_ORDER:
        if counted[status]:
            line.append(f"{status.replace('_', ' ')} {counted[status]}   ", style=STYLES[status])
    return line


def _elapsed_s(scene: Scene) -> float:
    return time.perf_counter() - scene.started_at if scene.started_at else 0.0
