"""A FastAPI application whose every error is a problem document."""

from collections.abc import Sequence

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from fundline.platform.http.problems import internal_error_response, problem, refusal_response
from fundline.platform.refusals import Refusal

_CODES = {
    404: ("not-found", "There is nothing here"),
    405: ("method-not-allowed", "The method is not offered here"),
}


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)  # noqa: S101 - registered for refusals only
    return refusal_response(error)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for HTTP exceptions only
    code, title = _CODES.get(error.status_code, ("http-error", "The request was refused"))
    return problem(
        code=code,
        title=title,
        status=error.status_code,
        detail=f"{request.method} {request.url.path} is not offered.",
        headers=dict(error.headers or {}),
    )


async def _bug(_: Request, __: Exception) -> Response:
    return internal_error_response()


def api(title: str, routes: Sequence[BaseRoute]) -> FastAPI:
    """Hot routes come as plain Starlette routes (bytes in, bytes out); FastAPI adds the documentation around them."""
    return FastAPI(
        title=title,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        routes=list(routes),
        exception_handlers={Refusal: _refused, HTTPException: _http_error, Exception: _bug},
    )
