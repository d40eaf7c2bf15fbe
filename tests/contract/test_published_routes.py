"""The published description and the running services say the same of every route: method, path, status and roles.

The services' own routes are served, with stand-ins for their use cases; no engine runs.
"""

import json
import re
import uuid
from collections.abc import Callable, Iterable
from typing import Any

import httpx
import pytest
from starlette.routing import BaseRoute, Route, WebSocketRoute
from typer.testing import CliRunner

from fundline.commands.routes.command import app as routes_command
from fundline.contracts.roles import Role
from fundline.manual.endpoints import SERVICES
from fundline.manual.pages import DOCS
from fundline.platform.http.api import api
from fundline.platform.http.endpoints import WEBSOCKET, Bound, BoundApp, Endpoint, served
from fundline.platform.http.tokens import Unauthenticated
from fundline.platform.identity import Caller
from fundline.services.application_api import routes as application_api
from fundline.services.notification_service import routes as notification_service
from fundline.services.operations_api.audit import routes as audit
from fundline.services.operations_api.cases import routes as cases
from fundline.services.operations_api.corrections import routes as corrections
from fundline.services.operations_api.dead_letters import routes as dead_letters
from fundline.services.operations_api.funding import routes as funding
from fundline.services.operations_api.models import routes as models
from fundline.services.operations_api.payment_endings import routes as payment_endings
from fundline.services.operations_api.payments import routes as payments
from fundline.services.operations_api.payments_switch import routes as payments_switch
from fundline.services.status_api import routes as status_api
from fundline.services.status_api.settings import Settings as StatusSettings


class StandIn:
    """Every use case of every service: gives whatever is asked for."""

    def __init__(self) -> None:
        self.gives: Any = None

    def __getattr__(self, name: str) -> Any:
        async def use_case(*_: Any, **__: Any) -> Any:
            return self.gives

        return use_case


class Tokens:
    """The token is the caller's role."""

    def caller(self, connection: Any, *, allow_query: bool = False) -> Caller:
        role = connection.headers.get("authorization")
        if role is None:
            raise Unauthenticated("Send a token.")
        return Caller(f"{role}-1", Role(role))


TOKENS: Any = Tokens()
BOUND: dict[str, Callable[[Any], Iterable[Bound | BoundApp]]] = {
    "application-api": lambda use_cases: application_api.bound(*[use_cases] * 6),
    "status-service": lambda use_cases: status_api.bound(
        use_cases, use_cases, TOKENS, StatusSettings.model_construct()
    ),
    "operations-api": lambda use_cases: [
        *cases.bound(use_cases, use_cases),
        *dead_letters.bound(use_cases, use_cases, use_cases),
        *payments.bound(use_cases, use_cases, use_cases, use_cases),
        *payment_endings.bound(use_cases, use_cases),
        *corrections.bound(use_cases, use_cases),
        *funding.bound(use_cases),
        *audit.bound(use_cases),
        *payments_switch.bound(use_cases, use_cases),
        *models.bound(use_cases, use_cases),
    ],
    "notification-service": lambda use_cases: notification_service.bound(*[use_cases] * 4),
}
"""What each composition root serves, by the process's name."""


def offered(routes: Iterable[BaseRoute]) -> set[tuple[str, str]]:
    """(method, path) of routes; a WebSocket begins as a GET."""
    found = set()
    for route in routes:
        if isinstance(route, WebSocketRoute):
            found.add(("get", route.path))
        elif isinstance(route, Route):
            found |= {(method.lower(), route.path) for method in (route.methods or set()) - {"HEAD"}}
    return found


def documented() -> dict[tuple[str, str], dict[str, Any]]:
    """The operations that are published, by method and path."""
    paths = json.loads((DOCS / "openapi.json").read_text())["paths"]
    return {
        (method, path): operation for path, methods in paths.items() for method, operation in methods.items()
    }


def all_bound() -> list[Bound]:
    return [one for build in BOUND.values() for one in build(StandIn()) if isinstance(one, Bound)]


def name_of(value: Any) -> str:
    return value.endpoint.name if isinstance(value, Bound) else str(value)


def request_for(endpoint: Endpoint[Any, Any], role: Role) -> dict[str, Any]:
    path = endpoint.path.format_map({value.name: str(uuid.uuid4()) for value in endpoint.path_values})
    headers = {"authorization": role.value}
    if endpoint.is_write:
        headers["idempotency-key"] = str(uuid.uuid4())
    body = {"json": endpoint.example} if endpoint.takes is not None and endpoint.is_write else {}
    return {"method": endpoint.method, "url": path, "headers": headers, **body}


def test_every_service_serves_what_it_declares_and_nothing_else():
    assert set(BOUND) == set(SERVICES)
    for name, build in BOUND.items():
        assert [one.endpoint for one in build(StandIn())] == list(SERVICES[name])


def test_every_route_is_in_the_document_and_the_document_has_no_other():
    new = [one for build in BOUND.values() for one in build(StandIn())]
    running = offered(served(TOKENS, new))

    def nameless(pairs: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
        return {(method, re.sub(r"\{\w+\}", "{}", path)) for method, path in pairs}

    assert nameless(running) == nameless(documented())


def test_every_path_is_documented_with_the_names_of_its_parts():
    declared = {
        ("get" if endpoint.method == WEBSOCKET else endpoint.method.lower(), endpoint.path)
        for endpoints in SERVICES.values()
        for endpoint in endpoints
    }
    assert declared <= set(documented())


def test_operations_have_names_of_their_own():
    names = [operation["operationId"] for operation in documented().values()]
    assert sorted(names) == sorted(set(names))


def test_roles_are_said_by_the_declaration_alone():
    for endpoints in SERVICES.values():
        for endpoint in endpoints:
            assert "Role" not in endpoint.summary, endpoint.name
            assert endpoint.summary.endswith("."), endpoint.name


def test_a_refusal_that_follows_from_a_path_value_is_not_declared_again():
    for endpoints in SERVICES.values():
        for endpoint in endpoints:
            followed = {value.missing for value in endpoint.path_values}
            assert followed.isdisjoint(endpoint.refuses), endpoint.name


@pytest.mark.parametrize("bound", all_bound(), ids=name_of)
async def test_the_running_route_has_the_status_and_the_roles_of_the_document(bound):
    endpoint = bound.endpoint
    operation = documented()[endpoint.method.lower(), endpoint.path]
    (success,) = [int(status) for status in operation["responses"] if status < "400"]
    allowed = set(operation.get("x-roles", Role))
    given = endpoint.gives.model_construct(id=uuid.uuid4())
    use_cases = StandIn()
    use_cases.gives = given
    build = next(build for name, build in BOUND.items() if endpoint in SERVICES[name])
    transport = httpx.ASGITransport(api(served(TOKENS, build(use_cases))))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        for role in Role:
            answer = await client.request(**request_for(endpoint, role))
            assert answer.status_code == (success if role in allowed else 403), role
            assert str(answer.status_code) in operation["responses"]
            if answer.status_code == success:
                described = operation["responses"][str(success)].get("headers", {})
                assert ("location" in answer.headers) == ("Location" in described)
        nobody = request_for(endpoint, Role.OPERATOR)
        del nobody["headers"]["authorization"]
        assert (await client.request(**nobody)).status_code == 401


def test_the_command_lists_every_route_with_its_roles():
    told = CliRunner().invoke(routes_command, ["--json"])
    assert told.exit_code == 0
    rows = [json.loads(line) for line in told.stdout.splitlines()]
    listed = {(row["method"], row["path"]): row["roles"] for row in rows}
    assert listed["POST", "/v1/applications"] == ["applicant", "partner"]
    assert len(rows) == sum(len(endpoints) for endpoints in SERVICES.values())
    table = CliRunner().invoke(routes_command, ["--service", "status-service"]).stdout.splitlines()
    assert table[0].split() == ["METHOD", "PATH", "ROLES", "SUMMARY"]
    assert len(table) == 1 + len(SERVICES["status-service"])
    assert CliRunner().invoke(routes_command, ["--service", "nobody"]).exit_code == 2
