"""How text for people is laid out: in 100 columns, facts below each other."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from fundline.commands.operations_client import older_ones

WIDTH = 100


def page_lines(lines: Sequence[str], page: Mapping[str, Any]) -> str:
    return "\n".join([*lines, *older_ones(page)])


def fact_lines(facts: Mapping[str, Any]) -> list[str]:
    """One per line, a long one wrapped under itself; empty ones are left out."""
    lines: list[str] = []
    for name, value in facts.items():
        if value is None or value == "":
            continue
        head = f"  {name:<15} "
        lines += textwrap.wrap(str(value), WIDTH, initial_indent=head, subsequent_indent=" " * len(head)) or [
            head
        ]
    return lines


def minute(moment: str) -> str:
    return moment[:16].replace("T", " ")


def times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent="  ", subsequent_indent="    ")


def fitted(line: str) -> str:
    line = " ".join(line.splitlines())
    return line if len(line) <= WIDTH else line[: WIDTH - 3] + "..."
