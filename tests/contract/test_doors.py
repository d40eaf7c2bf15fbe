"""Every door of every service: a slash too many is not there, and a wrong method is told all that are offered."""

import re

import httpx
import pytest
from starlette.routing import Match, Route

from fundline.platform.http.api import api
from fundline.stack.fleet import FLEET
from support.every_service import doors

SERVICES = doors()
ROUTES = [
    pytest.param(name, route, id=f"{name} {route.path}")
    for name, routes in SERVICES.items()
    for route in routes
    if isinstance(route, Route)
]
NO_HTTP_OF_ITS_OWN = {
    "application-events", "dead-letter-keeper", "event-router", "reconciler", "risk-worker", "risk-worker-express",
}  # fmt: skip
"""They answer health only, as every process does."""


def client(name: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(api(SERVICES[name]))
    return httpx.AsyncClient(transport=transport, base_url="http://evil.example", follow_redirects=False)


def address(route: Route) -> str:
    return re.sub(r"{[^}]+}", "17", route.path)


def methods_at(name: str, path: str) -> set[str]:
    scope = {"type": "http", "method": "PURGE", "path": path, "root_path": ""}
    matching = [
        one for one in SERVICES[name] if isinstance(one, Route) and one.matches(scope)[0] is not Match.NONE
    ]
    return set().union(*(one.methods or set() for one in matching))


def test_every_process_of_the_fleet_has_its_doors_here():
    named = {process.name for process in FLEET} - NO_HTTP_OF_ITS_OWN
    assert named <= set(SERVICES)


@pytest.mark.parametrize(("name", "route"), ROUTES)
async def test_a_slash_too_many_is_not_there(name, route):
    async with client(name) as http:
        for method in route.methods or set():
            answer = await http.request(method, f"{address(route)}/" if route.path != "/" else "/more/")
            assert answer.status_code == 404, method
            assert "location" not in answer.headers
            if method != "HEAD":
                assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(("name", "route"), ROUTES)
@pytest.mark.parametrize("method", ["PURGE", "OPTIONS", "TRACE"])
async def test_a_method_that_is_not_offered_is_told_all_that_are(name, route, method):
    async with client(name) as http:
        answer = await http.request(method, address(route))
    assert answer.status_code == 405
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(answer.headers["allow"].split(", ")) == methods_at(name, address(route))
