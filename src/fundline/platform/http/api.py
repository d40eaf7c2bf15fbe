"""An ASGI app for HTTP whose every error is a problem document."""

from collections.abc import Sequence
from typing import Any

from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match, Route, Router, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from fundline.platform.http.problems import problem, refusal_response
from fundline.platform.refusals import Refusal

_CODES = {
    404: ("not-found", "There is nothing here"),
    405: ("method-not-allowed", "The method is not offered here"),
}


def api(routes: Sequence[BaseRoute]) -> ASGIApp:
    """Routes only, bytes in and bytes out: each layer of a framework in between would cost every request.

    A path with a slash too many is not there: a redirect would lead to whatever `Host` the caller has named, over http.
    Refusals, also of a WebSocket before it is accepted, become problem documents here; bugs in the edge around it.
    """
    router = Router(routes, redirect_slashes=False)
    paths: dict[Any, str] = {
        route.endpoint: route.path for route in routes if isinstance(route, Route | WebSocketRoute)
    }

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scope["app"] = app  # makes Starlette raise what it would otherwise answer as plain text
        try:
            await router(scope, receive, send)
        except Refusal as refusal:
            await refusal_response(refusal)(scope, receive, send)
        except HTTPException as refused:
            code, title = _CODES.get(refused.status_code, ("http-error", "The request was refused"))
            headers = dict(refused.headers or {})
            if "Allow" in headers:
                headers["Allow"] = ", ".join(sorted(_methods_at(routes, scope)))
            answer = problem(
                code=code,
                title=title,
                status=refused.status_code,
                detail=f"{scope.get('method', 'GET')} {scope['path']} is not offered.",
                headers=headers,
            )
            await answer(scope, receive, send)
        finally:
            scope["fundline.route"] = paths.get(scope.get("endpoint"), "unknown")

    return app


def _methods_at(routes: Sequence[BaseRoute], scope: Scope) -> set[str]:
    """All that are offered at this path, by whichever of the routes."""
    found: set[str] = set()
    for route in routes:
        if isinstance(route, Route) and route.matches(scope)[0] is not Match.NONE:
            found |= route.methods or set()
    return found
