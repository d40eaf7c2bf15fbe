"""An endpoint is declared once: from it come the route, the reading of a request, the role check and the manual.

A declaration is a constant of its service's `routes.py`; a composition root binds it to a use case:

    SUBMIT = Endpoint("POST", "/v1/applications", takes=ApplicationRequest, gives=Accepted, status=202, ...)
    routes = served(tokens, [SUBMIT.by(lambda call: submission.submit(call.caller, call.asked, call.once))])

The order of the checks is the contract's: body, token, key, role, values, path. The body comes first because over
HTTP/2 an answer before its end may get lost.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp

from fundline.platform.database.idempotency import AlreadyAnswered, Once, Rendered, WriteKey, write_key
from fundline.platform.http.problems import MEDIA_TYPE, refusal_answer
from fundline.platform.http.requests import (
    BodyNotWanted,
    idempotency_key,
    parse_body,
    query_parameters,
    read_body,
)
from fundline.platform.http.tokens import TokenVerifier
from fundline.platform.identifiers import uuid_in
from fundline.platform.identity import Caller, Role
from fundline.platform.refusals import Refusal

Asked = TypeVar("Asked", bound=BaseModel | None)
Given = TypeVar("Given", bound=BaseModel)
_REFUSED = 400


@dataclass(frozen=True, slots=True)
class PathValue:
    """A part of the path. `missing`: an id; what is not one cannot be anybody's, and is refused with this."""

    name: str
    meaning: str
    missing: Callable[[], Refusal] | None = None
    schema: Mapping[str, Any] | None = None

    def read(self, text: str) -> UUID | str:
        if self.missing is None:
            return text
        found = uuid_in(text)
        if found is None:
            raise self.missing()
        return found


@dataclass(frozen=True, slots=True)
class Call(Generic[Asked, Given]):
    """A request, read and checked. `asked`: the body of a write, the query of a read."""

    caller: Caller
    asked: Asked
    path: Mapping[str, Any]
    _once: Once[Given] | None

    @property
    def once(self) -> Once[Given]:
        if self._once is None:
            raise TypeError("Only a write has a key.")
        return self._once


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealing:
    """How an answer that shows a secret is kept for its repeat: the bytes as stored, and back."""

    seal: Callable[[bytes], bytes]
    open: Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True, eq=False)
class Endpoint(Generic[Asked, Given]):
    """One method on one path. `roles` empty: every role; `refuses`: what the use case may refuse, beside what follows
    from the declaration. `location`: a path with fields of the answer in braces. A write has an Idempotency-Key."""

    method: str
    path: str
    name: str
    summary: str
    tag: str
    roles: tuple[Role, ...] = ()
    path_values: tuple[PathValue, ...] = ()
    takes: type[Asked] | None = None
    """The body of a write, the query of a read."""
    gives: type[Given] | None = None
    """None: a stream."""
    status: int = 200
    says: str = "As stored."
    refuses: tuple[type[Refusal], ...] = ()
    example: Mapping[str, Any] | None = None
    location: str | None = None
    shows_a_secret: bool = False
    streams: bool = False
    """Answered by an ASGI application of its own: server-sent events, or a WebSocket (`method` is "WS")."""
    documented: Mapping[str, Any] = field(default_factory=dict)
    """What the manual says of a stream's parameters and answers."""

    @property
    def is_write(self) -> bool:
        return self.method in {"POST", "PUT", "PATCH", "DELETE"}

    def by(
        self, use_case: Callable[[Call[Asked, Given]], Awaitable[Given]], *, sealing: Sealing | None = None
    ) -> "Bound":
        """Bound to what does it."""
        return Bound(self, use_case, sealing)

    def by_app(self, app: ASGIApp) -> "BoundApp":
        """Bound to what reads and answers by itself: a stream, or a hot route."""
        return BoundApp(self, app)

    def render(self, given: Given) -> Rendered:
        return Rendered(self.status, given.model_dump_json(by_alias=True).encode())


@dataclass(frozen=True, slots=True, eq=False)
class Bound:
    endpoint: Endpoint[Any, Any]
    use_case: Callable[[Call[Any, Any]], Awaitable[Any]]
    sealing: Sealing | None

    async def answer(self, request: Request, tokens: TokenVerifier) -> Response:
        endpoint = self.endpoint
        if not endpoint.is_write:
            caller = tokens.caller(request)
            self._require(caller)
            asked = None if endpoint.takes is None else query_parameters(request, endpoint.takes)
            given = await self.use_case(Call(caller, asked, self._path(request), None))
            return self._respond(endpoint.render(given).body, endpoint.status, given)
        body = await _body(request, wanted=endpoint.takes is not None)
        caller = tokens.caller(request)
        key = write_key(
            caller.subject,
            idempotency_key(request),
            method=request.method,
            path=request.scope["path"],
            body=body,
        )
        self._require(caller)
        asked = None if endpoint.takes is None else parse_body(endpoint.takes, body)
        try:
            given = await self.use_case(Call(caller, asked, self._path(request), self._once(key)))
        except AlreadyAnswered as earlier:
            return self._repeat(earlier.answer)
        return self._respond(endpoint.render(given).body, endpoint.status, given)

    def _require(self, caller: Caller) -> None:
        if self.endpoint.roles:
            caller.require(*self.endpoint.roles)

    def _path(self, request: Request) -> dict[str, Any]:
        return {
            value.name: value.read(request.path_params[value.name]) for value in self.endpoint.path_values
        }

    def _once(self, key: WriteKey) -> Once[Any]:
        if self.sealing is None:
            return Once(key, self.endpoint.render, _rendered_refusal)
        seal = self.sealing.seal

        def sealed(given: Any) -> Rendered:
            plain = self.endpoint.render(given)
            return Rendered(plain.code, seal(plain.body))

        return Once(key, sealed, _rendered_refusal)

    def _respond(self, body: bytes, status: int, given: Any) -> Response:
        headers: dict[str, str] = {}
        if self.endpoint.location is not None:
            headers["location"] = self.endpoint.location.format_map(given.model_dump())
        if self.endpoint.shows_a_secret:
            headers["cache-control"] = "no-store"
        return Response(body, status, headers=headers, media_type="application/json")

    def _repeat(self, answer: Rendered) -> Response:
        replayed = {"idempotent-replayed": "true"}
        if answer.code >= _REFUSED:
            return Response(answer.body, answer.code, headers=replayed, media_type=MEDIA_TYPE)
        body = answer.body if self.sealing is None else self.sealing.open(answer.body)
        # the model is read again only where a header needs it
        gives = self.endpoint.gives if self.endpoint.location is not None else None
        response = self._respond(body, answer.code, gives and gives.model_validate_json(body))
        response.headers.update(replayed)
        return response


@dataclass(frozen=True, slots=True, eq=False)
class BoundApp:
    endpoint: Endpoint[Any, Any]
    app: ASGIApp


def served(tokens: TokenVerifier, bound: Iterable[Bound | BoundApp]) -> list[BaseRoute]:
    """One route per path, so that a wrong method is told all that are offered."""
    routes: list[BaseRoute] = []
    by_path: dict[str, dict[str, Bound]] = {}
    for one in bound:
        path, method = one.endpoint.path, one.endpoint.method
        if isinstance(one, Bound):
            by_path.setdefault(path, {})[method] = one
        elif method == "WS":
            routes.append(WebSocketRoute(path, one.app))
        else:
            routes.append(Route(path, one.app, methods=[method]))
    return routes + [_route(path, offered, tokens) for path, offered in by_path.items()]


def _route(path: str, offered: Mapping[str, Bound], tokens: TokenVerifier) -> Route:
    async def answer(request: Request) -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        return await offered[method].answer(request, tokens)

    return Route(path, answer, methods=list(offered))


async def _body(request: Request, *, wanted: bool) -> bytes:
    """Raises what `read_body` raises; BodyNotWanted for a write that says everything by its path."""
    if wanted:
        return await read_body(request)
    sent = b""
    async for chunk in request.stream():
        sent += chunk
        if sent not in {b"", b"{", b"{}"}:
            raise BodyNotWanted("Send this request without a body, or with an empty object.")
    return b""


def _rendered_refusal(refusal: Refusal) -> Rendered:
    return Rendered(*refusal_answer(refusal))
