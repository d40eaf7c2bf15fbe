"""The published description and the running services say the same of every route: method, path, status and roles.

The services' own routes are served, with stand-ins for their use cases; no engine runs.
"""

import json
import re
import uuid
from collections.abc import Iterable
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
from fundline.platform.http.endpoints import WEBSOCKET, Bound, Endpoint, served
from support.every_service import BOUND, TOKENS, StandIn


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
