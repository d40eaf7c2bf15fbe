"""Applications put straight into the database, and events as a handler gets them."""

import json
import uuid
from datetime import UTC, datetime
from typing import Any

from prometheus_client import CollectorRegistry

from fundline.contracts.envelope import make_envelope
from fundline.contracts.payloads import Payload, RiskScoringRequested
from fundline.contracts.roles import Role
from fundline.contracts.topics import RISK_SCORING_REQUESTED, Topic
from fundline.platform.clock import new_id
from fundline.platform.database import Database
from fundline.platform.identity import Caller
from fundline.platform.kafka.messages import Event
from fundline.platform.secrets import SecretBox
from fundline.platform.telemetry.metrics import Metrics
from fundline.services.application_api.reference import ReferenceData
from fundline.services.application_api.schemas import ApplicationRequest
from fundline.services.application_api.submission import Submission
from support.applications import application_of_its_own
from support.writes import once


async def submitted_application(database: Database, box: SecretBox, **changes: Any) -> uuid.UUID:
    """Submit a sound application (with changes by dotted path) through the real use case.

    By a partner, for a business and an account of its own: nothing counts together with it.
    """
    reference = ReferenceData(database)
    await reference.load()
    submission = Submission(database, box, reference, Metrics(CollectorRegistry()))
    alice = Caller("alice", Role.PARTNER)
    request = ApplicationRequest.model_validate_json(json.dumps(application_of_its_own(**changes)))
    accepted = await submission.submit(alice, request, once("alice", status=202))
    return accepted.id


def event_of(topic: Topic, payload: Payload, application_id: uuid.UUID) -> Event[Any]:
    """A first delivery of this payload under a fresh event id."""
    envelope = make_envelope(
        event_id=new_id(),
        event_type=topic.event_type,
        source="/fundline/tests",
        at=datetime.now(UTC),
        subject=str(application_id),
        schema_version=topic.schema_version,
        correlation_id="test-correlation",
        traceparent="",
    )
    return Event(topic, str(application_id), payload, envelope, 1)


def scoring_requested(application_id: uuid.UUID) -> Event[Any]:
    """A request to score it, as the risk worker gets it."""
    payload = RiskScoringRequested(
        application_id=application_id, amount="50000.00", currency="USD", timestamp=datetime.now(UTC)
    )
    return event_of(RISK_SCORING_REQUESTED, payload, application_id)
