"""Applications as they stand in the database when the disbursement worker meets them."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from fundline.contracts.envelope import Envelope, make_envelope
from fundline.contracts.payloads import DisbursementRequested, RiskScoringCompleted
from fundline.contracts.topics import DISBURSEMENT_REQUESTED, RISK_SCORING_COMPLETED
from fundline.domain.money import Money
from fundline.domain.tracking import tracking_id
from fundline.platform.clock import new_id
from fundline.platform.database import Database
from fundline.platform.kafka.messages import Event
from fundline.platform.secrets import SecretBox
from fundline.records.application_record import SealedAccount
from support.stored_record import a_record, store_record

AT = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
AMOUNT = Money(1_250_000, "USD")
ACCOUNT_NUMBER = "998877665544"


async def store_application(
    database: Database,
    box: SecretBox,
    *,
    status: str = "approved",
    amount: Money = AMOUNT,
    account_number: str = ACCOUNT_NUMBER,
    **changes: Any,
) -> UUID:
    """One application with three status changes behind it; returns its id. `changes` are fields of its record.

    By a partner, for a business of its own: unless `changes` say so, nothing counts together with it.
    """
    application_id = new_id()
    account = {"type": "us", "routingNumber": "021000021", "accountNumber": account_number}
    sealed = box.seal(json.dumps(account).encode(), application_id)
    own = a_record().business.model_copy(update={"legal_name": f"Bakery {application_id.hex[-12:]}"})
    fields: dict[str, Any] = {
        "application_id": application_id,
        "tracking_id": tracking_id(application_id.int),
        "submitted_as": "partner",
        "amount": amount,
        "business": own,
        "account": SealedAccount(sealed=sealed, index=None, kind="us", last4=account_number[-4:]),
        "created_at": AT,
    }
    record = a_record(**(fields | changes))
    await store_record(database, record, status=status, sequence=3)
    return application_id


def payment_requested(
    application_id: UUID, amount: Money = AMOUNT, *, event_id: UUID | None = None
) -> Event[DisbursementRequested]:
    payload = DisbursementRequested(
        application_id=application_id,
        amount=amount.text(),
        currency=amount.currency,
        timestamp=AT,
        approved_by="policy",
    )
    topic = DISBURSEMENT_REQUESTED
    return Event(
        topic, str(application_id), payload, _envelope(topic.event_type, application_id, event_id), 1
    )


def scoring_completed(application_id: UUID, verdict: str = "approved") -> Event[RiskScoringCompleted]:
    payload = RiskScoringCompleted(
        application_id=application_id,
        risk_score="0.0500",
        status=verdict,
        timestamp=AT,
        model_version="m1",
        policy_version="p1",
    )
    topic = RISK_SCORING_COMPLETED
    return Event(topic, str(application_id), payload, _envelope(topic.event_type, application_id, None), 1)


def _envelope(event_type: str, application_id: UUID, event_id: UUID | None) -> Envelope:
    return make_envelope(
        event_id=event_id or new_id(),
        event_type=event_type,
        source="/fundline/tests",
        at=AT,
        subject=str(application_id),
        schema_version=1,
        correlation_id="test-correlation",
        traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    )
