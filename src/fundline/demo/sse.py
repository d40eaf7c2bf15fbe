"""Reads server-sent events out of bytes as they arrive. Source: WHATWG HTML, section 9.2.6."""

from typing import NamedTuple

LARGEST_EVENT_BYTES = 256 * 1024


class EventTooLarge(ValueError):
    """An event, or a line without an end, is over the limit."""


class StreamEvent(NamedTuple):
    """`event_id` is the last id the stream has given: what to send as Last-Event-ID."""

    event_id: str
    name: str
    data: str


class EventStreamParser:
    """Feed it what arrives, in pieces of any size; each call returns the events that are now complete."""

    def __init__(self) -> None:
        self._rest = b""
        self._event_id = ""
        self._name = ""
        self._data: list[str] = []
        self._data_bytes = 0

    def feed(self, piece: bytes) -> list[StreamEvent]:
        """Raises EventTooLarge."""
        text = self._rest + piece
        # A carriage return at the end may be half of a line's end.
        held = text[-1:] if text.endswith(b"\r") else b""
        complete = text[: len(text) - len(held)].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *lines, rest = complete.split(b"\n")
        self._rest = rest + held
        if len(self._rest) > LARGEST_EVENT_BYTES:
            raise EventTooLarge(f"a line of the stream is over {LARGEST_EVENT_BYTES} bytes")
        return [event for line in lines if (event := self._read_line(line)) is not None]

    def _read_line(self, line: bytes) -> StreamEvent | None:
        if not line:
            return self._dispatch()
        if line.startswith(b":"):
            return None  # a comment keeps the connection open
        field, _, value = line.decode("utf-8", "replace").partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            self._data_bytes += len(line)
            if self._data_bytes > LARGEST_EVENT_BYTES:
                raise EventTooLarge(f"an event of the stream is over {LARGEST_EVENT_BYTES} bytes")
            self._data.append(value)
        elif field == "event":
            self._name = value
        elif field == "id" and "\0" not in value:
            self._event_id = value
        return None

    def _dispatch(self) -> StreamEvent | None:
        name, data = self._name or "message", self._data
        self._name, self._data, self._data_bytes = "", [], 0
        return StreamEvent(self._event_id, name, "\n".join(data)) if data else None
