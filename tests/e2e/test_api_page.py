"""docs/api.md, followed from top to bottom in one shell, as a person would who pastes each example into a terminal.

The page could not be followed: two examples used names that none had set, one a host that does not exist, and it said
the opposite of what a key does after a refusal.
"""

import asyncio
import json
import os
import re
from dataclasses import dataclass
from typing import Any

import pytest

from fundline.manual.pages import DOCS
from support.clients import bearer, browser

pytestmark = pytest.mark.e2e
PAGE = (DOCS / "api.md").read_text()
WITHIN_S = 90
SAID = {"type", "title", "status", "detail", "message", "path"}
"""Of a refusal these are words of ours, and equal; of any other answer the names of its fields are."""
MARK = "### example {number}"
_EXAMPLE = re.compile(
    r"^```sh\n(?P<commands>.*?)^```\n(?:\n(?:\d{3}[^\n]*\n\n)?```json\n(?P<answer>.*?)^```\n)?",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Example:
    commands: str
    answer: Any | None
    """JSON that stands right below it, at most with its status before it."""


def examples() -> list[Example]:
    return [
        Example(found["commands"], json.loads(found["answer"]) if found["answer"] else None)
        for found in _EXAMPLE.finditer(PAGE)
    ]


def script(fleet) -> str:
    """All examples in one shell that ends at the first failure; the stack is that of the test."""
    parts = ["set -euo pipefail"]
    for number, example in enumerate(examples()):
        own = example.commands.replace("https://localhost:17443", fleet.gateway_url)
        own = re.sub(r"\bvar/", f"{fleet.home.root}/", own)
        parts += [f"echo; echo '{MARK.format(number=number)}'", own]
    return "\n".join(parts)


def shape_of(value: Any, *, is_refusal: bool) -> Any:
    if isinstance(value, dict):
        return {
            name: inner if is_refusal and name in SAID else shape_of(inner, is_refusal=is_refusal)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [shape_of(one, is_refusal=is_refusal) for one in value]
    return type(value).__name__


def test_the_page_has_examples():
    assert len(examples()) == PAGE.count("```sh\n") > 10
    assert sum(example.answer is not None for example in examples()) > 5


async def test_every_example_runs_in_order_and_answers_as_the_page_says(fleet):
    """Its first application is paid, its second one is refused, mended, assessed again and approved."""
    shell = await asyncio.create_subprocess_exec(
        *("timeout", str(WITHIN_S), "bash", "-c", script(fleet)),
        cwd=DOCS.parent,
        env=os.environ | {"FUNDLINE_HOME": str(fleet.home.root), "no_proxy": "localhost"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await shell.communicate()
    assert shell.returncode == 0, f"{out.decode()[-3000:]}\n{err.decode()[-3000:]}"
    told = re.split(r"### example \d+\n", out.decode())[1:]
    assert len(told) == len(examples())
    for example, printed in zip(examples(), told, strict=True):
        if example.answer is not None:
            is_refusal = "errors" in example.answer
            answer = json.loads(printed)
            assert shape_of(answer, is_refusal=is_refusal) == shape_of(
                example.answer, is_refusal=is_refusal
            ), printed
    async with browser(fleet) as client:
        page = await client.get("/v1/applications", headers=bearer(fleet, "paige"))
    statuses = [one["status"] for one in page.json()["items"]]
    assert len(statuses) == 2
    assert statuses[0] in {"approved", "disbursed"}
    assert statuses[1] == "disbursed"
