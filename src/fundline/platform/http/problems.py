"""RFC 9457 problem documents. The one place where a refusal becomes an HTTP status."""

import orjson
from starlette.responses import Response

from fundline.platform.refusals import Kind, Refusal

STATUS_OF: dict[Kind, int] = {
    Kind.MALFORMED: 400,
    Kind.UNAUTHENTICATED: 401,
    Kind.FORBIDDEN: 403,
    Kind.NOT_FOUND: 404,
    Kind.CONFLICT: 409,
    Kind.TOO_LARGE: 413,
    Kind.WRONG_MEDIA_TYPE: 415,
    Kind.INVALID: 422,
    Kind.KEY_REUSED: 422,
    Kind.TOO_MANY: 429,
    Kind.UNAVAILABLE: 503,
}
MEDIA_TYPE = "application/problem+json"
_CHALLENGED = {Kind.UNAUTHENTICATED, Kind.FORBIDDEN}
_BEARER = 'Bearer realm="fundline"'


def problem(
    *,
    code: str,
    title: str,
    status: int,
    detail: str,
    errors: list[dict[str, str]] | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    """`type` is `urn:fundline:problem:<code>`: stable, clients branch on it."""
    body = _document(code, title, status, detail, errors)
    return Response(body, status, media_type=MEDIA_TYPE, headers=headers)


def refusal_answer(refusal: Refusal) -> tuple[int, bytes]:
    """Status and document."""
    status = STATUS_OF[refusal.kind]
    errors = [{"path": error.path, "message": error.message} for error in refusal.errors]
    return status, _document(refusal.code, refusal.title, status, refusal.sentence, errors)


def refusal_response(refusal: Refusal) -> Response:
    headers = {} if refusal.retry_after_s is None else {"retry-after": str(refusal.retry_after_s)}
    if refusal.kind in _CHALLENGED:
        headers["www-authenticate"] = _challenge(refusal)
    status, body = refusal_answer(refusal)
    return Response(body, status, media_type=MEDIA_TYPE, headers=headers)


def _challenge(refusal: Refusal) -> str:
    """RFC 6750: no error where nothing was sent that could be wrong."""
    if refusal.challenge is None:
        return _BEARER
    return f'{_BEARER}, error="{refusal.challenge}", error_description="{refusal.title}"'


def internal_error_response() -> Response:
    return problem(
        code="internal",
        title="Something went wrong on our side",
        status=500,
        detail="The request was not completed. It was logged; repeat it with the same Idempotency-Key.",
    )


def _document(code: str, title: str, status: int, detail: str, errors: list[dict[str, str]] | None) -> bytes:
    body: dict[str, object] = {
        "type": f"urn:fundline:problem:{code}",
        "title": title,
        "status": status,
        "detail": detail,
    }
    if errors:
        body["errors"] = errors
    return orjson.dumps(body)
