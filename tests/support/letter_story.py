"""An application whose events die, and what happens to it meanwhile, for the tests of the reconciler's letters."""

from uuid import UUID

from fundline.contracts.payloads import (
    ApplicationCreated,
    DisbursementCompleted,
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
    RISK_SCORING_REQUESTED_EXPRESS,
    STATUS_UPDATED,
)
from fundline.domain.tracking import tracking_id
from fundline.platform.clock import new_id
from fundline.platform.database import Database
from support.approved_applications import AMOUNT, AT
from support.dead_letters import payment_asked

CHANGED = """
insert into application_status_history (application_id, sequence, status, occurred_at, actor, metadata)
values ($1, $2, $3, $4, 'tests', '{"by": "policy"}')
"""
ASSESSED = """
insert into risk_assessments (application_id, assessment, risk_score, verdict, principal_reasons, evidence,
    model_version, policy_version, assessed_at)
values ($1, 1, 0.1, 'approved', '[]', '{}', 'm1', 'p1', $2)
"""
DISBURSEMENT = """
insert into disbursements (payment_id, application_id, amount_minor, currency, state, created_at, submitted_at,
    transaction_id, failure_code, finished_at, next_step_at, order_text, requested_at, approved_by)
values ($1, $2, $3, $4, $5::text, $6::timestamptz,
    case when $5::text in ('submitted', 'settled') then $6::timestamptz end,
    case when $5::text = 'settled' then 'txn_1' end, null, case when $5::text = 'settled' then $6::timestamptz end,
    case when $5::text = 'submitted' then $6::timestamptz end, '{}', $6::timestamptz, 'policy')
"""


class Story:
    """One application whose events die, and what happens to it meanwhile."""

    def __init__(self, database: Database, application_id: UUID) -> None:
        self.database, self.id, self.payment_id = database, application_id, new_id()

    async def becomes(self, status: str) -> None:
        await self.database.execute(
            "update applications set status = $2 where application_id = $1", self.id, status
        )

    async def has_payment(self, state: str) -> None:
        await self.database.execute(
            DISBURSEMENT, self.payment_id, self.id, AMOUNT.amount_minor, AMOUNT.currency, state, AT
        )

    async def has_history(self) -> None:
        for sequence, status in enumerate(("processing", "risk_scoring", "approved"), 1):
            await self.database.execute(CHANGED, self.id, sequence, status, AT)

    async def was_assessed(self) -> None:
        await self.database.execute(ASSESSED, self.id, AT)

    def payload(self, topic: str, **changes: object) -> bytes:
        money: dict[str, object] = {"amount": AMOUNT.text(), "currency": AMOUNT.currency}
        base = {"application_id": self.id, "timestamp": AT}
        made: dict[str, tuple[type[Payload], dict[str, object]]] = {
            APPLICATIONS_CREATED.name: (ApplicationCreated, {"user_id": "alice", **money}),
            RISK_SCORING_REQUESTED.name: (RiskScoringRequested, money),
            RISK_SCORING_REQUESTED_EXPRESS.name: (RiskScoringRequested, money),
            RISK_SCORING_COMPLETED.name: (
                RiskScoringCompleted,
                {"risk_score": "0.1", "status": "approved", "model_version": "m1", "policy_version": "p1"},
            ),
            DISBURSEMENT_COMPLETED.name: (
                DisbursementCompleted,
                {"status": "completed", "transaction_id": "txn_1", "payment_id": self.payment_id, **money},
            ),
            STATUS_UPDATED.name: (
                StatusUpdated,
                {
                    "status": "approved",
                    "sequence": 3,
                    "tracking_id": tracking_id(self.id.int),
                    "user_id": "alice",
                    "metadata": {"by": "policy"},
                },
            ),
        }
        if topic == DISBURSEMENT_REQUESTED.name:
            return payment_asked(self.id, str(changes.get("amount", AMOUNT.text())))
        kind, fields = made[topic]
        return kind(**{**base, **fields, **changes}).wire()


async def state_of(database: Database, letter_id: UUID) -> tuple[str, str, str | None]:
    """(state, reason, by whom) of a letter."""
    row = await database.fetchrow(
        "select state, reason, settled_by from dead_letters where dead_letter_id = $1", letter_id
    )
    assert row is not None
    return row["state"], row["reason"], row["settled_by"]
