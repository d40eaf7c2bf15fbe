"""A person's writes go through the operations API, with a token: the command line has no other door to them."""

import getpass
import os
import ssl
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import httpx
import typer

from fundline.commands.place import home_of
from fundline.platform.command_errors import CommandFailed
from fundline.stack.keys import StackKeys, mint_token
from fundline.stack.layout import StackHome
from fundline.stack.state import StateFile

AsOption = Annotated[
    str | None,
    typer.Option(
        "--as",
        help="Who: mints a development token of the running stack. Else FUNDLINE_TOKEN, else this machine's account.",
    ),
]
PersonOption = Annotated[
    str | None,
    typer.Option(
        "--as",
        "--actor",
        help="Who: mints a development token of the running stack.",
    ),
]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; kept in the audit trail.")]
CursorOption = Annotated[
    str | None, typer.Option(help="Go on after the page before: the cursor that it was given with.")
]
LimitOption = Annotated[int, typer.Option(min=1, max=200)]

_TIMEOUT = httpx.Timeout(20.0, connect=3.0)
_ATTEMPTS = 4
_FIRST_PAUSE_S = 0.3
_ERROR = 400
_WORTH_REPEATING = frozenset({429, 502, 503, 504})
_IN_FLIGHT = "urn:fundline:problem:request-in-flight"


class OperationsClient:
    """JSON over HTTP through the gateway. A write keeps its Idempotency-Key over every repeat, so it happens once.

    Methods raise CommandFailed with the API's own sentence. `transport` and `pause` stand in for the network and time.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        tls: ssl.SSLContext | bool = True,
        transport: httpx.BaseTransport | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._pause = pause
        self._client = httpx.Client(
            base_url=url,
            headers={"authorization": f"Bearer {token}"},
            verify=tls,
            timeout=_TIMEOUT,
            trust_env=False,
            transport=transport,
        )

    def get(self, path: str, query: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """`query` without its empty values."""
        wanted = {name: value for name, value in (query or {}).items() if value is not None}
        return self._call("GET", path, params=wanted)

    def post(self, path: str, body: Mapping[str, Any], *, key: str | None = None) -> dict[str, Any]:
        """`key` names the write; a fresh one by default."""
        return self._call(
            "POST", path, json=dict(body), headers={"idempotency-key": key or str(uuid.uuid4())}
        )

    def delete(self, path: str) -> dict[str, Any]:
        return self._call("DELETE", path, headers={"idempotency-key": str(uuid.uuid4())})

    def _call(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        for attempt in range(1, _ATTEMPTS + 1):
            is_last = attempt == _ATTEMPTS
            try:
                answer = self._client.request(method, path, **request)
            except httpx.HTTPError as error:
                if is_last:
                    raise CommandFailed(
                        f"The operations API does not answer at {self._client.base_url} ({type(error).__name__})."
                    ) from error
            else:
                if is_last or not _is_worth_repeating(answer):
                    return _body_of(answer)
            self._pause(_FIRST_PAUSE_S * 2 ** (attempt - 1))
        raise AssertionError("unreachable: the last attempt returns or raises")


def operations_client(home: Path | None, subject: str | None, role: str = "operator") -> OperationsClient:
    """For FUNDLINE_API_URL, else the gateway of the running stack. Raises CommandFailed when there is neither."""
    place = home_of(chosen=home)
    return OperationsClient(_url(place), _token(place, subject, role), tls=_trust(place))


def under(path: str, *parts: str) -> str:
    """The path of something below this one; what a person has typed stays one part of it."""
    return "/".join([path, *(quote(part, safe="") for part in parts)])


def page_of(state: str, cursor: str | None, limit: int) -> dict[str, Any]:
    """The query for one page of a list; the state `all` leaves nothing out."""
    return {"state": None if state == "all" else state, "cursor": cursor, "limit": limit}


def older_ones(page: Mapping[str, Any]) -> list[str]:
    """How to see the next page, if there is one."""
    following = page["nextCursor"]
    return [] if following is None else [f"There are older ones: --cursor {following}"]


def _url(place: StackHome) -> str:
    if url := os.environ.get("FUNDLINE_API_URL"):
        return url
    state = StateFile(place.run).load()
    if state is None or not state.runner_is_alive():
        raise CommandFailed(
            f"Nothing runs in {place.root}; start Fundline with `make up`, or set FUNDLINE_API_URL."
        )
    if not state.gateway_url:
        raise CommandFailed(f"The stack in {place.root} has no gateway; set FUNDLINE_API_URL.")
    return state.gateway_url


def _token(place: StackHome, subject: str | None, role: str) -> str:
    given = os.environ.get("FUNDLINE_TOKEN")
    if given and subject is None:
        return given
    if not StackKeys(place).token_key.exists():
        raise CommandFailed(
            f"There are no keys in {place.keys} to make a token with; set FUNDLINE_TOKEN to one that you were given."
        )
    return mint_token(place, subject or getpass.getuser(), role)


def _trust(place: StackHome) -> ssl.SSLContext | bool:
    """The stack's own authority; the system's for an address of somebody else's."""
    authority = StackKeys(place).authority_certificate
    if "FUNDLINE_API_URL" in os.environ or not authority.exists():
        return True
    return ssl.create_default_context(cafile=str(authority))


def _is_worth_repeating(answer: httpx.Response) -> bool:
    return answer.status_code in _WORTH_REPEATING or _problem(answer).get("type") == _IN_FLIGHT


def _body_of(answer: httpx.Response) -> dict[str, Any]:
    """Raises CommandFailed with the sentence of a refusal, and which values it refused."""
    if answer.status_code < _ERROR:
        body: dict[str, Any] = answer.json()
        return body
    told = _problem(answer)
    sentence = told.get("detail") or f"The operations API answered {answer.status_code}."
    values = " ".join(f"{error['path']}: {error['message']}" for error in told.get("errors", ()))
    raise CommandFailed(f"{sentence} {values}".strip())


def _problem(answer: httpx.Response) -> dict[str, Any]:
    if answer.status_code < _ERROR:
        return {}
    try:
        told = answer.json()
    except ValueError:  # a proxy in between has its own pages
        return {}
    return told if isinstance(told, dict) else {}
