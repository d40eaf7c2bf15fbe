"""Asking for a score: `risk.scoring.requested` is its only trigger."""

from datetime import datetime
from uuid import UUID

from fundline.contracts.payloads import RiskScoringRequested
from fundline.contracts.topics import RISK_SCORING_REQUESTED
from fundline.platform.database import Connection
from fundline.platform.database.outbox import outbox_row, store_events
from fundline.records.status import LockedApplication


async def request_scoring(
    connection: Connection, application: LockedApplication, *, source: str, at: datetime, event_id: UUID
) -> None:
    """The worker scores once per move into `risk_scoring`, however many requests reach it."""
    payload = RiskScoringRequested(
        application_id=application.application_id,
        amount=application.amount.text(),
        currency=application.amount.currency,
        timestamp=at,
    )
    event = outbox_row(
        RISK_SCORING_REQUESTED,
        payload,
        key=application.application_id,
        event_id=event_id,
        source=source,
        at=at,
    )
    await store_events(connection, [event])
