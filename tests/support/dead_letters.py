"""Dead letters as a consumer group leaves them in Kafka, and the keeper that takes them, without Kafka."""

import itertools
import uuid
from typing import Any

from prometheus_client import CollectorRegistry

from fundline.contracts.envelope import make_envelope
from fundline.contracts.payloads import DisbursementRequested, StatusUpdated
from fundline.contracts.topics import DISBURSEMENT_REQUESTED, STATUS_UPDATED, Group, Topic
from fundline.platform.database import Database
from fundline.platform.kafka.messages import (
    ATTEMPT,
    CAUSE,
    FIRST_FAILURE,
    GROUP,
    ORIGIN,
    REPLAY,
    Delivery,
)
from fundline.platform.telemetry.metrics import Metrics
from fundline.services.dead_letter_keeper.keeper import Keeper
from support.kafka import AT

_OFFSETS = itertools.count(1)


def payment_asked(application_id: uuid.UUID, amount: str = "12500.00") -> bytes:
    return DisbursementRequested(
        application_id=application_id, amount=amount, currency="USD", timestamp=AT, approved_by="policy"
    ).wire()


def status_told(application_id: uuid.UUID) -> bytes:
    return StatusUpdated(
        application_id=application_id,
        status="approved",
        timestamp=AT,
        sequence=3,
        tracking_id="FL-1",
        user_id="alice",
    ).wire()


def dead(
    topic: Topic = STATUS_UPDATED,
    group: str = Group.STATUS_SERVICE,
    *,
    key: uuid.UUID | None = None,
    payload: bytes | None = None,
    event_id: uuid.UUID | None = None,
    cause: str = "KeyError: 'bug'",
    attempts: int = 5,
    replay: int = 0,
    offset: int | None = None,
) -> Delivery:
    """A message of the dead-letter topic of `topic`, as `FailureRouting` writes it."""
    key = key or uuid.uuid4()
    envelope = make_envelope(
        event_id=event_id or uuid.uuid4(),
        event_type=topic.event_type,
        source="/fundline/tests",
        at=AT,
        subject=str(key),
        schema_version=topic.schema_version,
        correlation_id="test-correlation",
        traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    )
    headers = {
        **envelope.headers(),
        ATTEMPT: str(attempts),
        CAUSE: cause,
        FIRST_FAILURE: "2026-11-23T10:00:00.000000Z",
        GROUP: str(group),
        ORIGIN: f"{topic.name}/0/42",
    }
    if replay:
        headers[REPLAY] = str(replay)
    return Delivery(
        topic.dead_letter,
        0,
        next(_OFFSETS) if offset is None else offset,
        str(key),
        status_told(key) if payload is None else payload,
        headers,
    )


def dead_payment(key: uuid.UUID, **changes: Any) -> Delivery:
    changes.setdefault("payload", payment_asked(key))
    changes.setdefault("cause", "RetryLater: PaymentUnresolved: the bank has not said")
    return dead(DISBURSEMENT_REQUESTED, Group.DISBURSEMENT_WORKER, key=key, **changes)


def keeper(database: Database) -> Keeper:
    return Keeper(database, Metrics(CollectorRegistry()))


async def kept_letter(database: Database, delivery: Delivery) -> uuid.UUID:
    """Hand it to the keeper; returns the id of its letter."""
    await keeper(database).keep(delivery)
    row = await database.fetchrow(
        'select dead_letter_id from dead_letter_arrivals where topic = $1 and partition = $2 and "offset" = $3',
        delivery.topic,
        delivery.partition,
        delivery.offset,
    )
    assert row is not None
    letter_id: uuid.UUID = row["dead_letter_id"]
    return letter_id


async def outbox(database: Database) -> list[Any]:
    return await database.fetch("select * from outbox order by position")
