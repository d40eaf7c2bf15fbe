"""`fundline logs`: prints the story of one application over all processes, in the order of time."""

import time
from datetime import datetime

from rich.console import Console
from rich.text import Text

from fundline.platform.command_errors import CommandFailed
from fundline.stack.layout import StackHome
from fundline.stack.story import APPLICATION_ID, CORRELATION_ID, TIMESTAMP, Line, Tail, log_files, read_story

POLL_EVERY_S = 0.2
FIELD_LIMIT_CHARACTERS = 120
DURATION = "event.duration"
"""ECS counts it in nanoseconds."""
NS_PER_MS = 1_000_000
PLUMBING = {
    TIMESTAMP,
    "log.level",
    "message",
    "service.name",
    "service.node.name",
    "trace.id",
    "span.id",
    "error.stack_trace",
    APPLICATION_ID,
    CORRELATION_ID,
}
LEVEL_STYLES = {"warning": "yellow", "error": "bold red", "critical": "bold red"}
PROCESS_STYLES = ("cyan", "magenta", "green", "blue", "bright_yellow", "bright_cyan", "bright_magenta")


def print_story(home: StackHome, wanted: str, follow: bool, console: Console) -> None:
    """Print the story so far and, with `follow`, what is added. Raises CommandFailed without a story."""
    if not home.logs.is_dir():
        raise CommandFailed(f"There are no logs in {home.logs}; start Fundline with `make up` first.")
    tail = Tail(home.logs)
    story, lines = read_story(log_files(home.logs), wanted)
    if not lines and not follow:
        raise CommandFailed(
            f"No log mentions {wanted}; give the id or the tracking id of an application, "
            "and --home when its stack has a folder of its own."
        )
    for line in lines:
        console.print(render(line), soft_wrap=True)
    seen = {str(line) for line in lines[-200:]}
    while follow:
        time.sleep(POLL_EVERY_S)
        for line in tail.new_lines(story):
            if str(line) not in seen:  # written between the two looks at the files
                console.print(render(line), soft_wrap=True)


def render(line: Line) -> Text:
    """One line for people: time, process, event, fields."""
    moment = datetime.fromisoformat(str(line[TIMESTAMP])).astimezone()
    instance = str(line.get("service.node.name") or line.get("service.name") or "?")
    level = str(line.get("log.level", "info")).lower()
    text = Text()
    text.append(moment.strftime("%H:%M:%S.%f")[:-3], style="dim")
    text.append(f"  {instance:<22} ", style=_process_style(str(line.get("service.name", ""))))
    text.append(str(line.get("message", "")), style=LEVEL_STYLES.get(level, "bold"))
    if level in LEVEL_STYLES:
        text.append(f" [{level}]", style=LEVEL_STYLES[level])
    for name, value in line.items():
        if name not in PLUMBING and value is not None:
            shown = f"{value / NS_PER_MS:.1f}ms" if name == DURATION else str(value)
            shortened = (
                shown[: FIELD_LIMIT_CHARACTERS - 1] + "…" if len(shown) > FIELD_LIMIT_CHARACTERS else shown
            )
            text.append(f"  {name.removeprefix('fundline.')}=", style="dim")
            text.append(shortened)
    return text


def _process_style(process: str) -> str:
    return PROCESS_STYLES[sum(process.encode()) % len(PROCESS_STYLES)]
