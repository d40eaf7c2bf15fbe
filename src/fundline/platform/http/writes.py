"""The door of every write: body, token and idempotency key come in; the stored answer goes out."""

from starlette.requests import Request
from starlette.responses import Response

from fundline.platform.database.idempotency import StoredAnswer, WriteKey, write_key
from fundline.platform.http.problems import MEDIA_TYPE
from fundline.platform.http.requests import BodyNotWanted, idempotency_key, read_body
from fundline.platform.http.tokens import TokenVerifier
from fundline.platform.identity import Caller

_REFUSED = 400


async def read_write(request: Request, tokens: TokenVerifier) -> tuple[Caller, WriteKey, bytes]:
    """Raises Unauthenticated, IdempotencyKeyMissing, or what `read_body` raises."""
    # the body first: over HTTP/2 an answer before its end may get lost
    body = await read_body(request)
    caller = tokens.caller(request)
    key = idempotency_key(request)
    return (
        caller,
        write_key(caller.subject, key, method=request.method, path=request.scope["path"], body=body),
        body,
    )


async def read_bodiless_write(request: Request, tokens: TokenVerifier) -> tuple[Caller, WriteKey]:
    """A write that has nothing to say beyond its path. Raises Unauthenticated, IdempotencyKeyMissing, BodyNotWanted."""
    sent = b""
    async for chunk in request.stream():
        sent += chunk
        if sent not in {b"", b"{", b"{}"}:
            raise BodyNotWanted("Send this request without a body, or with an empty object.")
    caller = tokens.caller(request)
    key = idempotency_key(request)
    return caller, write_key(caller.subject, key, method=request.method, path=request.scope["path"], body=b"")


def answered(answer: StoredAnswer, headers: dict[str, str] | None = None) -> Response:
    """The answer as JSON, a refusal as a problem document; a repeat says so in `Idempotent-Replayed`."""
    extra = dict(headers or {})
    if answer.is_replay:
        extra["idempotent-replayed"] = "true"
    media_type = "application/json" if answer.status < _REFUSED else MEDIA_TYPE
    return Response(answer.body, answer.status, headers=extra, media_type=media_type)
