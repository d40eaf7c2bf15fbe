"""An endpoint is declared once: from it come the route, the reading of a request, the role check and the manual.

A declaration is a constant of its service's `routes.py`; a composition root binds it to a use case:

    ORDER = Endpoint("POST", "/v1/orders", takes=OrderRequest, gives=Accepted, status=202, ...)
    routes = served(tokens, [ORDER.by(lambda call: orders.order(call.caller, call.asked, call.once))])

The order of the checks is the contract's: body, token, key, role, values, path. The body comes first because over
HTTP/2 an answer before its end may get lost.
"""

import string
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic

import orjson
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp
from typing_extensions import TypeVar

from fundline.contracts.roles import Role
from fundline.platform.database.idempotency import AlreadyAnswered, Once, Rendered, WriteKey, write_key
from fundline.platform.http.path_values import Find, PathValue
from fundline.platform.http.problems import MEDIA_TYPE, refusal_answer
from fundline.platform.http.requests import (
    BodyNotWanted,
    idempotency_key,
    query_parameters,
    read_body,
)
from fundline.platform.http.tokens import TokenVerifier
from fundline.platform.identity import Caller
from fundline.platform.parsing import SentJson, parse_sent
from fundline.platform.refusals import Refusal

Asked = TypeVar("Asked", bound=BaseModel | None, default=None)
Given = TypeVar("Given", bound=BaseModel | None, default=None)
WEBSOCKET = "WS"
"""The method of an endpoint that is a WebSocket."""
_READS = {"GET", WEBSOCKET}
_WRITES = {"POST", "PUT", "PATCH", "DELETE"}
_REFUSED = 400


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
class Sealing(Generic[Given]):
    """How an answer that shows a secret is kept for its repeat: the answer as it is stored, and back from its bytes."""

    seal: Callable[[Given], Given]
    open: Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True, eq=False)
class Endpoint(Generic[Asked, Given]):
    """One method on one path. `name` is the operation's id; `summary` says what it does, never which roles may.

    Refusals that follow from the declaration are not declared again: those of token, role, key, body and query, and
    those of `path_values`. Raises TypeError for a declaration that contradicts itself.
    """

    method: str
    """`WEBSOCKET` for a WebSocket."""
    path: str
    name: str
    summary: str
    tag: str
    roles: tuple[Role, ...] = ()
    """Empty: every role."""
    path_values: tuple[PathValue, ...] = ()
    takes: type[Asked] | None = None
    """The body of a write, the query of a read."""
    gives: type[Given] | None = None
    """None: a stream, which is answered by an ASGI app of its own."""
    status: int = 200
    says: str = "As stored."
    refuses: tuple[type[Refusal], ...] = ()
    """What the use case may refuse."""
    example: Mapping[str, Any] | None = None
    """A body."""
    location: str | None = None
    """Where the thing that was made can be read: a path with fields of the answer in braces."""
    shows_a_secret: bool = False
    documented: Mapping[str, Any] = field(default_factory=dict)
    """A stream's `parameters` and `responses` in the API's description."""

    def __post_init__(self) -> None:
        if self.method not in _READS | _WRITES:
            raise TypeError(f"{self.name}: the method {self.method} is not known.")
        values = [value.name for value in self.path_values]
        if _fields_of(self.path) != values:
            raise TypeError(f"{self.name}: {self.path} does not have the values {values}.")
        gives: Any = self.gives
        fields = {} if gives is None else gives.model_fields
        shown = {name for name, shown in fields.items() if shown.serialization_alias in {None, name}}
        if not set(_fields_of(self.location or "")) <= shown:
            raise TypeError(f"{self.name}: {self.location} names fields that the answer does not have.")
        if self.is_write and (self.takes is None) != (self.example is None):
            raise TypeError(f"{self.name}: a body needs an example, and an example a body.")

    @property
    def is_write(self) -> bool:
        """A write has an Idempotency-Key."""
        return self.method in _WRITES

    @property
    def is_stream(self) -> bool:
        return self.gives is None

    def by(
        self,
        use_case: Callable[[Call[Asked, Given]], Awaitable[Given]],
        *,
        sealing: Sealing[Given] | None = None,
    ) -> "Bound":
        """Bound to what does it. `sealing`: for a write that shows a secret."""
        if self.is_stream:
            raise TypeError(f"{self.name}: a stream is bound with `by_app`.")
        return Bound(self, use_case, sealing)

    def by_app(self, app: "App") -> "BoundApp":
        """Bound to what reads and answers by itself, roles included: a stream, or a hot route."""
        return BoundApp(self, app)

    def render(self, given: Given) -> Rendered:
        if given is None:
            raise TypeError(f"{self.name}: a stream has no answer that can be rendered.")
        return Rendered(self.status, given.model_dump_json(by_alias=True).encode())


App = ASGIApp | Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True, eq=False)
class Bound:
    endpoint: Endpoint[Any, Any]
    use_case: Callable[[Call[Any, Any]], Awaitable[Any]]
    sealing: Sealing[Any] | None

    async def answer(self, request: Request, tokens: TokenVerifier, find: Find | None = None) -> Response:
        """Raises a Refusal."""
        if self.endpoint.is_write:
            return await self._write(request, tokens, find)
        caller = tokens.caller(request)
        self._require(caller)
        takes = self.endpoint.takes
        asked = None if takes is None else query_parameters(request, takes)
        path = await self._path(request, find)
        return self._first(await self.use_case(Call(caller, asked, path, None)))

    async def _write(self, request: Request, tokens: TokenVerifier, find: Find | None) -> Response:
        takes = self.endpoint.takes
        sent = SentJson.of(await _body(request, wanted=takes is not None))
        caller = tokens.caller(request)
        key = write_key(
            caller.subject,
            idempotency_key(request),
            method=request.method,
            path=request.scope["path"],
            body=sent,
        )
        self._require(caller)
        asked = None if takes is None else parse_sent(takes, sent)
        path = await self._path(request, find)
        try:
            given = await self.use_case(Call(caller, asked, path, self._once(key)))
        except AlreadyAnswered as earlier:
            return self._repeat(earlier.answer)
        return self._first(given)

    def _first(self, given: Any) -> Response:
        return self._respond(self.endpoint.render(given).body, self.endpoint.status, vars(given))

    def _require(self, caller: Caller) -> None:
        if self.endpoint.roles:
            caller.require(*self.endpoint.roles)

    async def _path(self, request: Request, find: Find | None) -> dict[str, Any]:
        sent = request.path_params
        return {value.name: await value.read(sent[value.name], find) for value in self.endpoint.path_values}

    def _once(self, key: WriteKey) -> Once[Any]:
        if self.sealing is None:
            return Once(key, self.endpoint.render, _rendered_refusal)
        seal = self.sealing.seal
        return Once(key, lambda given: self.endpoint.render(seal(given)), _rendered_refusal)

    def _respond(self, body: bytes, status: int, fields: Mapping[str, Any]) -> Response:
        headers: dict[str, str] = {}
        if self.endpoint.location is not None:
            headers["location"] = self.endpoint.location.format_map(fields)
        if self.endpoint.shows_a_secret:
            headers["cache-control"] = "no-store"
        return Response(body, status, headers=headers, media_type="application/json")

    def _repeat(self, answer: Rendered) -> Response:
        replayed = {"idempotent-replayed": "true"}
        if answer.code >= _REFUSED:
            return Response(answer.body, answer.code, headers=replayed, media_type=MEDIA_TYPE)
        body = answer.body if self.sealing is None else self.sealing.open(answer.body)
        # read without the model: an older version of this process may have stored it
        response = self._respond(body, answer.code, orjson.loads(body) if self.endpoint.location else {})
        response.headers.update(replayed)
        return response


@dataclass(frozen=True, slots=True, eq=False)
class BoundApp:
    endpoint: Endpoint[Any, Any]
    app: App


def served(
    tokens: TokenVerifier, bound: Iterable[Bound | BoundApp], *, find: Find | None = None
) -> list[BaseRoute]:
    """One route per path, so that a wrong method is told all that are offered. Raises TypeError for what is twice.

    `find` is for the ids that `has_names`.
    """
    by_path: dict[str, list[Bound | BoundApp]] = {}
    for one in bound:
        by_path.setdefault(one.endpoint.path, []).append(one)
    return [_route(path, offered, tokens, find) for path, offered in by_path.items()]


def _route(
    path: str, offered: Sequence[Bound | BoundApp], tokens: TokenVerifier, find: Find | None
) -> BaseRoute:
    first = offered[0]
    if isinstance(first, BoundApp) and len(offered) == 1:
        if first.endpoint.method == WEBSOCKET:
            return WebSocketRoute(path, first.app)
        return Route(path, first.app, methods=[first.endpoint.method])
    by_method = {one.endpoint.method: one for one in offered if isinstance(one, Bound)}
    if len(by_method) != len(offered):
        raise TypeError(f"{path}: a method is offered twice, or beside an ASGI app of its own.")

    async def answer(request: Request) -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        return await by_method[method].answer(request, tokens, find)

    return Route(path, answer, methods=list(by_method))


def _fields_of(path: str) -> list[str]:
    return [name for _, name, _, _ in string.Formatter().parse(path) if name is not None]


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
