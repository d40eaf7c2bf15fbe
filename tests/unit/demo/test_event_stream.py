import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundline.demo.sse import LARGEST_EVENT_BYTES, EventStreamParser, EventTooLarge, StreamEvent

STREAM = (
    b'retry: 1000\n\n: alive\n\nid: 1\nevent: status\ndata: {"a":1}\n\n'
    b"id:2\r\ndata:first\r\ndata: second \xc3\xa9\r\n\r\ndata: third\r\r: alive\n\nevent: nothing\n\n"
)
EVENTS = [
    StreamEvent("1", "status", '{"a":1}'),
    StreamEvent("2", "message", "first\nsecond é"),
    StreamEvent("2", "message", "third"),
]


def test_a_whole_stream_gives_its_events():
    assert EventStreamParser().feed(STREAM) == EVENTS


@given(st.lists(st.integers(0, len(STREAM)), max_size=12).map(sorted))
def test_the_same_events_come_wherever_the_bytes_are_cut(cuts):
    parser, events, start = EventStreamParser(), [], 0
    for cut in [*cuts, len(STREAM)]:
        events += parser.feed(STREAM[start:cut])
        start = cut
    assert events == EVENTS


def test_an_event_without_its_empty_line_is_not_given():
    assert EventStreamParser().feed(b"data: half\n") == []


def test_a_line_that_never_ends_is_refused():
    with pytest.raises(EventTooLarge, match="a line of the stream"):
        EventStreamParser().feed(b"x" * (LARGEST_EVENT_BYTES + 1))


def test_an_event_that_never_ends_is_refused():
    line = b"data: " + b"x" * 1000 + b"\n"
    with pytest.raises(EventTooLarge, match="an event of the stream"):
        EventStreamParser().feed(line * (LARGEST_EVENT_BYTES // 1000 + 1))
