import io
import json
import logging

import pytest

from fundline.platform.telemetry.context import continue_trace, trace_scope
from fundline.platform.telemetry.logs import configure_logs, get_log


@pytest.fixture
def lines():
    stream = io.StringIO()
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
