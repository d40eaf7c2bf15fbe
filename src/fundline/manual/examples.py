"""One application's story as examples: one payload per topic, and the envelope around the first of them."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from fundline.contracts.envelope import Envelope, make_envelope
from fundline.contracts.payloads import (
    ApplicationCreated,
    DisbursementCompleted,
    DisbursementRequested,
    Payload,
    RiskScoringCompleted,
    RiskScoringRequested,
    StatusUpdated,
)
from fundline.contracts.topics import (
    APPLICATIONS_CREATED,
    DISBURSEMENT_COMPLETED,
    DISBURSEMENT_REQUESTED,
    RISK_SCORING_COMPLETED,
    RISK_SCORING_REQUESTED,
    STATUS_UPDATED,
    Topic,
)

APPLICATION_ID = UUID("019a0c1e-6b54-7c3a-9d2f-4b1f0e6a7c11")
PAYMENT_ID = UUID("019a0c1e-6be2-7f10-8c44-2a7d9b3e5f02")
EVENT_ID = UUID("019a0c1e-6b54-7c3b-8a10-77d2c4f0e9b3")
TRACKING_ID = "FL-7K2Q-M9XD-40RTP"
SUBMITTED_AT = datetime(2026, 11, 23, 10, 15, 0, 123456, UTC)


def _later(milliseconds: int) -> datetime:
    return SUBMITTED_AT + timedelta(milliseconds=milliseconds)


EXAMPLES: dict[str, Payload] = {
    APPLICATIONS_CREATED.name: ApplicationCreated(
        application_id=APPLICATION_ID,
        user_id="alice",
        amount="50000.00",
        currency="USD",
        timestamp=SUBMITTED_AT,
        metadata={"campaign": "autumn"},
    ),
    RISK_SCORING_REQUESTED.name: RiskScoringRequested(
        application_id=APPLICATION_ID, amount="50000.00", currency="USD", timestamp=SUBMITTED_AT
    ),
    RISK_SCORING_COMPLETED.name: RiskScoringCompleted(
        application_id=APPLICATION_ID,
        risk_score="0.0412",
        status="approved",
        timestamp=_later(60),
        model_version="scorecard-2",
        policy_version="policy-3",
        principal_reasons=[],
    ),
    DISBURSEMENT_REQUESTED.name: DisbursementRequested(
        application_id=APPLICATION_ID,
        amount="50000.00",
        currency="USD",
        timestamp=_later(95),
        approved_by="policy-3/scorecard-2",
    ),
    DISBURSEMENT_COMPLETED.name: DisbursementCompleted(
        application_id=APPLICATION_ID,
        status="completed",
        transaction_id="txn_019a0c1e6c5a7d0c9f2e1b6a4d83f570",
        timestamp=_later(190),
        error=None,
        payment_id=PAYMENT_ID,
        amount="50000.00",
        currency="USD",
    ),
    STATUS_UPDATED.name: StatusUpdated(
        application_id=APPLICATION_ID,
        status="disbursed",
        timestamp=_later(190),
        sequence=4,
        tracking_id=TRACKING_ID,
        user_id="alice",
        metadata={
            "paymentId": str(PAYMENT_ID),
            "transactionId": "txn_019a0c1e6c5a7d0c9f2e1b6a4d83f570",
        },
    ),
}


def example_envelope(topic: Topic) -> Envelope:
    return make_envelope(
        event_id=EVENT_ID,
        event_type=topic.event_type,
        source=f"/fundline/{topic.producers[0]}",
        at=SUBMITTED_AT,
        subject=str(APPLICATION_ID),
        schema_version=topic.schema_version,
        correlation_id="4bf92f3577b34da6a3ce929d0e0e4736",
        traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    )
