"""What was written again and again has one home; who does not live there says why."""

import ast
from pathlib import Path

SRC = Path(__file__).parents[3] / "src" / "fundline"

A_THREAD = "a thread of its own, which no loop of the event loop can be"
TURN_BY_THEMSELVES = {
    "platform/loop.py": "the home",
    "platform/kafka/poller.py": A_THREAD,
    "platform/kafka/broadcast.py": A_THREAD,
    "platform/kafka/consumer.py": "the wait of one message for the dead-letter limit, not a loop of the process",
    "stack/supervisor.py": A_THREAD,
    "stack/up.py": "the command's own thread; it has no event loop",
    "platform/telemetry/line_writer.py": "whoever waits for its thread, without an event loop",
    "demo/display.py": A_THREAD,
}
"""Loops that end when an event is set."""
CAMEL_CASE = {
    "platform/shapes.py": "the home",
    "contracts/payloads.py": "events: the layer below, which imports nothing",
}


def _waits_for_an_event(loop: ast.While) -> bool:
    return any(
        isinstance(part, ast.Call)
        and isinstance(part.func, ast.Attribute)
        and part.func.attr in {"is_set", "wait"}
        for part in ast.walk(loop.test)
    )


def test_a_loop_until_the_process_stops_is_a_loop_of_the_platform():
    found = {
        file.relative_to(SRC).as_posix()
        for file in SRC.rglob("*.py")
        for part in ast.walk(ast.parse(file.read_text()))
        if isinstance(part, ast.While) and _waits_for_an_event(part)
    }
    assert found == TURN_BY_THEMSELVES.keys()


def test_shapes_with_camel_case_names_have_one_base():
    found = {
        file.relative_to(SRC).as_posix()
        for file in SRC.rglob("*.py")
        if "alias_generator=" in file.read_text()
    }
    assert found == CAMEL_CASE.keys()
