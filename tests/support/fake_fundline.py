"""Fundline's public API as a client meets it, without a network: it answers what the test has scripted."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field

import httpx
import orjson

Answer = Callable[[httpx.Request], httpx.Response]


class ScriptedStream(httpx.AsyncByteStream):
    """Pieces of a body; an exception among them breaks the connection there."""

    def __init__(self, pieces: Sequence[bytes | Exception]) -> None:
        self._pieces = pieces

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            if isinstance(piece, Exception):
                raise piece
            yield piece


@dataclass
class FakeFundline(httpx.AsyncBaseTransport):
    """Gives the scripted answers in order and remembers what it was asked; an exception is a broken connection."""

    answers: list[httpx.Response | Exception]
    requests: list[httpx.Request] = field(default_factory=list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        answer.request = request
        return answer


def accepted(application_id: str) -> httpx.Response:
    return httpx.Response(202, json={"id": application_id, "trackingId": "FL-1", "status": "processing"})


def refused(status: int, code: str, detail: str = "No.", **headers: str) -> httpx.Response:
    problem = {"type": f"urn:fundline:problem:{code}", "title": "No", "status": status, "detail": detail}
    return httpx.Response(status, json=problem, headers=headers)


def told(status: str, sequence: int) -> bytes:
    """One event as the status service writes it."""
    body = orjson.dumps({"status": status, "sequence": sequence, "metadata": {}})
    return b"id: %d\nevent: status\ndata: %b\n\n" % (sequence, body)


def stream(*pieces: bytes | Exception) -> httpx.Response:
    return httpx.Response(200, stream=ScriptedStream(pieces), headers={"content-type": "text/event-stream"})
