"""A client that is made of docs/openapi.json alone, by a generator that knows nothing of us, does what a person does.

It sends null for what nobody has set, as many generated clients do, and takes each answer into the model that the
document declares: an answer that differs from it is an error of the client.
"""

import json
import uuid
from typing import Any

import httpx2
import pytest
from aiopenapi3 import OpenAPI
from starlette.types import ASGIApp

from fundline.manual.pages import DOCS
from fundline.platform.database import Database
from support.applications import application
from support.running_services import behind_one_door

pytestmark = pytest.mark.integration
DOCUMENT = json.loads((DOCS / "openapi.json").read_text())


class Generated:
    """`await client.call("readApplication", id=…)`; a body is made of the operation's own model."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        transport = httpx2.ASGITransport(app=app)

        def session(**of_the_client: Any) -> httpx2.AsyncClient:
            return httpx2.AsyncClient(transport=transport, **of_the_client)

        self._api = OpenAPI(
            "http://test/openapi.json", DOCUMENT, session_factory=session, use_operation_tags=False
        )
        self._api.authenticate(bearer=token)

    async def call(self, name: str, body: dict[str, Any] | None = None, **values: str) -> Any:
        operation = getattr(self._api._, name)
        if body is None:
            return await operation(parameters=values)
        values["Idempotency-Key"] = str(uuid.uuid4())
        return await operation(parameters=values, data=operation.data.get_type().model_validate(body))


@pytest.fixture
def alice(services, engines) -> Generated:
    return Generated(behind_one_door(services), engines.stack.token("alice", "applicant"))


async def test_it_submits_reads_and_follows(alice):
    stored = await alice.call("submitApplication", application())
    assert stored.status == "processing"
    read = await alice.call("readApplication", id=str(stored.id))
    assert (read.trackingId, read.amount, read.assessment) == (stored.trackingId, "50000.00", None)
    assert (await alice.call("readStatus", id=stored.trackingId)).sequence == 1
    listed = await alice.call("listApplications", limit="10")
    assert [one.id for one in listed.items] == [stored.id]
    assert len((await alice.call("readReferenceData", kind="currencies")).items) == 4


async def test_it_sets_what_it_wants_to_be_told(alice):
    wanted = await alice.call("putNotificationPreferences", {"email": {"address": "alice@example.com"}})
    assert (wanted.email.address, wanted.webhooks.enabled) == ("alice@example.com", True)
    made = await alice.call("createWebhookEndpoint", {"url": "https://hooks.example.com/fundline"})
    changed = await alice.call("changeWebhookEndpoint", {"description": "Ours"}, id=str(made.id))
    assert (changed.description, changed.url) == ("Ours", made.url)


async def test_an_underwriter_decides_with_it(alice, services, engines, database: Database):
    stored = await alice.call("submitApplication", application())
    await database.execute(
        "update applications set status = 'pending_review', status_sequence = 3 where application_id = $1",
        stored.id if isinstance(stored.id, uuid.UUID) else uuid.UUID(stored.id),
    )
    uma = Generated(behind_one_door(services), engines.stack.token("uma", "underwriter"))
    decision = DOCUMENT["paths"]["/v1/applications/{id}/decision"]["post"]["requestBody"]
    example = decision["content"]["application/json"]["example"]
    assert (await uma.call("decideApplication", example, id=str(stored.id))).status == "approved"
    read = await alice.call("readApplication", id=str(stored.id))
    assert read.underwriterDecision.root.decision == "approve"  # `root`: it may be null as well
