"""Finds the lines that tell one application's story in the logs of all processes."""

import heapq
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

APPLICATION_ID = "fundline.application_id"
TRACKING_ID = "fundline.tracking_id"
CORRELATION_ID = "fundline.correlation_id"
TRACE_ID = "trace.id"
TIMESTAMP = "@timestamp"

Line = dict[str, Any]


@dataclass(slots=True)
class Story:
    """Knows which ids belong to one application, and learns more from every line that it accepts.

    A line belongs when it names the application, or shares a trace or correlation id with a line that does,
    unless it names another application: one batch may carry the events of several.
    """

    wanted: str
    """An application id or a tracking id."""
    applications: set[str] = field(default_factory=set)
    threads: set[str] = field(default_factory=set)
    """Trace and correlation ids."""

    def __post_init__(self) -> None:
        self.applications.add(self.wanted)

    def learn(self, line: Line) -> None:
        """Take over the ids of a line that names the application."""
        application = line.get(APPLICATION_ID)
        if application and line.get(TRACKING_ID) == self.wanted:
            self.applications.add(str(application))
        if application in self.applications or line.get(TRACKING_ID) == self.wanted:
            self.threads.update(str(line[name]) for name in (TRACE_ID, CORRELATION_ID) if line.get(name))

    def owns(self, line: Line) -> bool:
        application = line.get(APPLICATION_ID)
        if application:
            return application in self.applications
        shared = line.get(TRACKING_ID) == self.wanted
        return shared or line.get(TRACE_ID) in self.threads or line.get(CORRELATION_ID) in self.threads

    def needles(self) -> list[bytes]:
        """What the bytes of a line must contain to be worth reading."""
        return [known.encode() for known in (*self.applications, *self.threads)]


def read_story(log_files: Iterable[Path], wanted: str) -> tuple[Story, list[Line]]:
    """The story so far, in the order of time. Reads each log three times and keeps only what belongs."""
    files = list(log_files)
    story = Story(wanted)
    for _ in range(2):  # the first pass may only learn the application's id, from its tracking id
        for file in files:
            for line in matching_lines(file, story):
                story.learn(line)
    found = [[line for line in matching_lines(file, story) if story.owns(line)] for file in files]
    return story, list(heapq.merge(*(sorted(lines, key=time_of) for lines in found), key=time_of))


def matching_lines(log_file: Path, story: Story) -> Iterator[Line]:
    """Lines of one log that mention one of the story's ids; what is not a JSON object is passed over."""
    try:
        with log_file.open("rb") as log:
            for raw in log:
                if any(needle in raw for needle in story.needles()):
                    line = parse(raw)
                    if line is not None:
                        yield line
    except FileNotFoundError:
        return


def parse(raw: bytes) -> Line | None:
    if not raw.startswith(b"{"):
        return None
    try:
        line = json.loads(raw)
    except ValueError:
        return None
    return line if isinstance(line, dict) and TIMESTAMP in line else None


def time_of(line: Line) -> str:
    """ISO 8601 in UTC with a fixed number of decimals: sorts as text."""
    return str(line[TIMESTAMP])


def log_files(logs: Path) -> list[Path]:
    """Every log, the rotated ones first."""
    return [*sorted(logs.glob("*.log.1")), *sorted(logs.glob("*.log"))]


class Tail:
    """Reads what is appended to the logs, also to those that appear or are emptied later."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._offsets: dict[Path, int] = {file: file.stat().st_size for file in logs.glob("*.log")}

    def new_lines(self, story: Story) -> list[Line]:
        """The story's lines since the last call, in the order of time."""
        lines: list[Line] = []
        for file in self._logs.glob("*.log"):
            lines += [line for raw in self._appended(file) if (line := parse(raw)) is not None]
        lines.sort(key=time_of)
        for line in lines:
            story.learn(line)
        return [line for line in lines if story.owns(line)]

    def _appended(self, file: Path) -> list[bytes]:
        """Complete lines only; half a line waits for the next call."""
        offset = self._offsets.get(file, 0)
        if file.stat().st_size < offset:
            offset = 0
        with file.open("rb") as log:
            log.seek(offset)
            complete, end, _ = log.read().rpartition(b"\n")
        self._offsets[file] = offset + len(complete) + len(end)
        return complete.splitlines()
