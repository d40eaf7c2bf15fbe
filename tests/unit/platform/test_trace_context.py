import pytest

from fundline.platform.telemetry.context import continue_trace, current_trace, peek_trace, trace_scope

GOOD = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_a_callers_trace_goes_on_under_a_new_span():
    trace = continue_trace(GOOD, "order-7")
    assert trace.trace_id == "0af7651916cd43dd8448eb211c80319c"
    assert trace.span_id != "b7ad6b7169203331"
    assert trace.correlation_id == "order-7"


@pytest.mark.parametrize(
    "bad", [None, "", "garbage", GOOD.upper(), "00-" + "0" * 32 + "-b7ad6b7169203331-01", GOOD + "-x"]
)
def test_a_malformed_trace_starts_a_new_one(bad):
    trace = continue_trace(bad, None)
    assert trace.traceparent != bad
    assert len(trace.trace_id) == 32


@pytest.mark.parametrize("bad", ["", "x" * 65, "line\nbreak", 'quote"', "a b"])
def test_a_correlation_id_that_could_forge_log_lines_is_replaced(bad):
    trace = continue_trace(GOOD, bad)
    assert trace.correlation_id == trace.trace_id


def test_outside_of_a_request_there_is_no_trace_and_a_fresh_one_for_events():
    assert peek_trace() is None
    with trace_scope(continue_trace(GOOD, None)) as trace:
        assert current_trace() is trace
    assert peek_trace() is None
