"""Whatever a stranger puts into any place of any request of any service: a refusal in our form, never a bug of ours.

Made from the declarations: a new route, parameter or field is in here without anybody's doing.
"""

import base64
import uuid
from collections import Counter

import httpx
import pytest
from prometheus_client import CollectorRegistry

from fundline.manual.endpoints import SERVICES
from fundline.platform.cache import open_cache
from fundline.platform.database import Database
from fundline.platform.flag_file import FlagFile
from fundline.platform.http.api import api
from fundline.platform.http.edge import Edge
from fundline.platform.http.endpoints import WEBSOCKET, Bound, BoundApp, served
from fundline.platform.http.tokens import LONGEST_SUBJECT, TokenVerifier
from fundline.platform.secrets import SecretBox
from fundline.platform.settings import CacheSettings, TokenSettings
from fundline.platform.telemetry.metrics import Metrics
from fundline.records.references import application_id_of
from fundline.services.application_api import routes as application_api
from fundline.services.application_api.reading import Reading
from fundline.services.application_api.reassessment import Reassessment
from fundline.services.application_api.reference import ReferenceData
from fundline.services.application_api.review import Review
from fundline.services.application_api.submission import Submission
from fundline.services.notification_service import routes as notification_service
from fundline.services.notification_service.delivery_desk import DeliveryDesk
from fundline.services.notification_service.endpoints import Endpoints
from fundline.services.notification_service.outbound_targets import OutboundTargets
from fundline.services.notification_service.preferences import PreferenceDesk
from fundline.services.notification_service.settings import Settings as NotificationSettings
from fundline.services.notification_service.wiring import open_delivering
from fundline.services.operations_api.wiring import bound as operations_api
from fundline.services.status_api import routes as status_api
from fundline.services.status_api.fan_out import FanOut
from fundline.services.status_api.live import LiveStatus
from fundline.services.status_api.reading import References, StatusReading
from fundline.services.status_api.settings import Settings as StatusSettings
from support.hostile import Hostile, requests_against

ENDPOINTS = [
    pytest.param(name, endpoint, id=endpoint.name)
    for name, endpoints in SERVICES.items()
    for endpoint in endpoints
    if endpoint.method != WEBSOCKET
]
OTHER_IDS = {"deliveryId": str(uuid.uuid4()), "kind": "sectors", "version": "scorecard-2"}
SUBJECTS = ["", "\x00", "a\x00b", "x" * 4000, "\x1b[2J", "\u202ealice", " ", "ali ce", "\U0001f469"]


@pytest.fixture
async def services(engines, database: Database, database_url: str, tmp_path, account_key_file, flags_file):
    """Each as its composition root wires it, without Kafka; by the process's name."""
    key_file = tmp_path / "webhook.key"
    key_file.write_bytes(base64.b64encode(bytes(range(32))))
    metrics = Metrics(CollectorRegistry())
    tokens = TokenVerifier(TokenSettings(jwks_file=engines.stack.keys.jwks))
    cache = await open_cache(CacheSettings(cache_url=engines.cache_url))
    reference = ReferenceData(database)
    await reference.load()
    notifications = NotificationSettings(
        database_url=database_url,
        kafka_bootstrap="unused",
        jwks_file=engines.stack.keys.jwks,
        webhook_key_file=key_file,
    )
    statuses = StatusSettings(
        database_url=database_url,
        kafka_bootstrap="unused",
        cache_url="unused",
        jwks_file=engines.stack.keys.jwks,
    )

    async def somewhere_public(_host: str, _port: int) -> list[str]:
        return ["93.184.215.14"]

    delivering = open_delivering(database, notifications, metrics, resolve=somewhere_public)
    endpoints = Endpoints(database, notifications, OutboundTargets(delivering.client), delivering.box)
    references = References(database)
    bound: dict[str, list[Bound | BoundApp]] = {
        "application-api": [
            *application_api.bound(
                Submission(database, SecretBox(account_key_file), reference, metrics),
                Reading(database),
                Review(database),
                Reassessment(database),
                reference,
            )
        ],
        "status-service": [
            *status_api.bound(
                StatusReading(database, cache, references, metrics, cached_s=60),
                LiveStatus(database, FanOut(queue_limit=8, streams_limit=8), references, statuses, metrics),
                tokens,
                statuses,
            )
        ],
        "operations-api": [*operations_api(database, FlagFile(flags_file))],
        "notification-service": [
            *notification_service.bound(
                endpoints,
                DeliveryDesk(database, endpoints, wake=lambda: None),
                PreferenceDesk(database),
                delivering.box,
            )
        ],
    }

    async def find(text: str) -> uuid.UUID | None:
        return await application_id_of(database, text)

    yield {name: Edge(api(served(tokens, some, find=find)), metrics=metrics) for name, some in bound.items()}
    await cache.close()
    await delivering.client.close()


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
    ids = {
        "id": one,
        "deliveryId": str(uuid.uuid4()),
        "kind": "sectors",
        "currency": "USD",
        "version": "scorecard-2",
        "name": "payments",
    }
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
                ids = {
                    "id": str(uuid.uuid4()),
                    "deliveryId": str(uuid.uuid4()),
                    "kind": "sectors",
                    "currency": "USD",
                    "version": "scorecard-2",
                    "name": "payments",
                }
                path = endpoint.path.format_map(ids)
                answer = await http.request(
                    endpoint.method,
                    path,
                    json=endpoint.example,
                    headers=headers_for(endpoint, engines, subject),
                )
                assert answer.status_code < 500, (endpoint.name, answer.text)
                if not subject.strip() or "\x00" in subject or len(subject) > LONGEST_SUBJECT:
                    assert answer.status_code == 401, endpoint.name
