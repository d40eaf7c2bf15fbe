"""Whatever a stranger puts into any place of any request of any service: a refusal in our form, never a bug of ours.

Made from the declarations: a new route, parameter or field is in here without anybody's doing.
"""

import uuid
from collections import Counter

import httpx
import pytest

from fundline.manual.endpoints import SERVICES
from fundline.platform.http.endpoints import WEBSOCKET
from fundline.platform.http.tokens import LONGEST_SUBJECT
from fundline.services.application_api import routes as application_api
from fundline.services.status_api import routes as status_api
from support.hostile import Hostile, requests_against

ENDPOINTS = [
    pytest.param(name, endpoint, id=endpoint.name)
    for name, endpoints in SERVICES.items()
    for endpoint in endpoints
    if endpoint.method != WEBSOCKET
]
OTHER_IDS = {
    "deliveryId": str(uuid.uuid4()),
    "kind": "sectors",
    "currency": "USD",
    "version": "scorecard-2",
    "name": "payments",
}
SUBJECTS = ["", "\x00", "a\x00b", "x" * 4000, "\x1b[2J", "\u202ealice", " ", "ali ce", "\U0001f469"]


def browser(app) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://test")


def headers_for(endpoint, engines, subject: str = "alice") -> dict[str, str]:
    role = endpoint.roles[0] if endpoint.roles else "applicant"
    made = {"authorization": f"Bearer {engines.stack.token(subject, role)}"}
    if endpoint.is_write:
        made |= {"idempotency-key": str(uuid.uuid4())}
    return made | ({"content-type": "application/json"} if endpoint.example is not None else {})


async def an_application(services, engines) -> str:
    async with browser(services["application-api"]) as http:
        submit = application_api.SUBMIT
        answer = await http.post(submit.path, json=submit.example, headers=headers_for(submit, engines))
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def wrong_with(answer: httpx.Response, sent: Hostile) -> str | None:
    """A sentence, or None: a success, or a refusal as a problem document."""
    where = f"{sent.place}: {sent.method} {sent.path[:80]}?{sent.query[:80]} {(sent.body or b'')[:200]!r} -> "
    if answer.status_code >= 500:
        return f"{where}{answer.status_code} {answer.text[:200]}"
    if answer.status_code >= 400:
        if answer.headers.get("content-type") != "application/problem+json":
            return f"{where}{answer.status_code} {answer.headers.get('content-type')}"
        if not answer.json()["type"].startswith("urn:fundline:problem:"):
            return where + answer.text[:200]
    return None


@pytest.mark.parametrize(("name", "endpoint"), ENDPOINTS)
async def test_nothing_that_is_sent_is_a_bug(services, engines, name, endpoint):
    is_of_an_application = name in {"application-api", "operations-api"} or endpoint is status_api.STATUS
    one = await an_application(services, engines) if is_of_an_application else str(uuid.uuid4())
    ids = {"id": one, **OTHER_IDS}
    wrong: list[str] = []
    seen: Counter[int] = Counter()
    async with browser(services[name]) as http:
        for sent in requests_against(endpoint, ids):
            answer = await sent.send(http, headers_for(endpoint, engines))
            seen[answer.status_code] += 1
            problem = wrong_with(answer, sent)
            wrong += [problem] if problem else []
    assert wrong == []
    assert any(400 <= status < 500 for status in seen), seen


@pytest.mark.parametrize("subject", SUBJECTS)
async def test_no_subject_is_a_bug(services, engines, subject):
    for name, endpoints in SERVICES.items():
        async with browser(services[name]) as http:
            for endpoint in endpoints:
                if endpoint.method == WEBSOCKET:
                    continue
                path = endpoint.path.format_map({"id": str(uuid.uuid4()), **OTHER_IDS})
                answer = await http.request(
                    endpoint.method,
                    path,
                    json=endpoint.example,
                    headers=headers_for(endpoint, engines, subject),
                )
                assert answer.status_code < 500, (endpoint.name, answer.text)
                if not subject.strip() or "\x00" in subject or len(subject) > LONGEST_SUBJECT:
                    assert answer.status_code == 401, endpoint.name
