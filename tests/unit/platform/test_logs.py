import io
import json
import logging

import pytest

from fundline.platform.telemetry.context import continue_trace, trace_scope
from fundline.platform.telemetry.logs import configure_logs, get_log


@pytest.fixture
def lines():
    stream = io.BytesIO()
    configure_logs(process="risk-worker", instance="risk-worker-1", level="INFO", stream=stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    configure_logs(process="tests", instance="tests-1", level="WARNING")


def test_one_json_line_with_ecs_names_and_own_fields_under_one_prefix(lines):
    with trace_scope(continue_trace("00-" + "a" * 32 + "-" + "b" * 16 + "-01", "corr")):
        get_log().info("application.scored", application_id="x", **{"http.response.status_code": 202})
    (line,) = lines()
    assert line["message"] == "application.scored"
    assert line["log.level"] == "info"
    assert line["service.name"] == "risk-worker"
    assert line["fundline.application_id"] == "x"
    assert line["http.response.status_code"] == 202
    assert line["trace.id"] == "a" * 32
    assert line["fundline.correlation_id"] == "corr"
    assert line["@timestamp"].endswith("Z")


def test_an_exception_becomes_fields_of_the_same_line(lines):
    try:
        raise ValueError("broken\nin two")
    except ValueError as error:
        get_log().error("handler.failed", exc_info=error)
    (line,) = lines()
    assert line["error.type"] == "ValueError"
    assert "test_logs.py" in line["error.stack_trace"]


def test_lines_of_libraries_have_the_same_form(lines):
    logging.getLogger("uvicorn.error").warning("something %s", "odd")
    (line,) = lines()
    assert (line["message"], line["fundline.text"], line["log.logger"]) == (
        "library.log",
        "something odd",
        "uvicorn.error",
    )


class Unwilling(Exception):
    def __str__(self) -> str:
        raise ValueError("no text for you")


@pytest.mark.parametrize(
    "value",
    ["\ud800", 2**80, {("a", "tuple"): 1}, {2: "two"}, Unwilling(), float("nan"), b"\xff"],
    ids=["half a character", "80 bits", "odd key", "number as key", "unwilling", "not a number", "bytes"],
)
def test_whatever_a_stranger_sent_can_be_logged(lines, value):
    """A line about a message that nobody understands must not end the process that sets it aside."""
    get_log().warning("message.refused", value=value, exc_info=Unwilling())
    (line,) = lines()
    assert line["message"] == "message.refused"
    assert line["error.type"] == "Unwilling"


def test_a_line_of_a_library_whose_arguments_do_not_fit_is_a_line_all_the_same(lines):
    ours = next(one for one in logging.getLogger().handlers if "structlog" in type(one).__name__.lower())
    ours.handle(logging.LogRecord("somebody", logging.WARNING, "", 1, "two %s %s", ("one",), None))
    (line,) = lines()
    assert "two %s %s" in line["fundline.text"]
