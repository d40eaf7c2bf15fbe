"""A correction of the ledger, as it is answered."""

from typing import Any, Literal
from uuid import UUID

from fundline.domain.ledger import TransferPurpose
from fundline.platform.paging import Page
from fundline.platform.shapes import Answer, Moment
from fundline.services.operations_api.corrections.schemas import CorrectTransfer


class LedgerCorrection(Answer):
    """A transfer that one person calls wrong; booked when another agrees."""

    id: UUID
    transfer_id: UUID
    payment_id: UUID
    purpose: TransferPurpose
    instead: CorrectTransfer | None
    reason: str
    state: Literal["proposed", "booked", "withdrawn"]
    requested_by: str
    requested_at: Moment
    decided_by: str | None
    decided_at: Moment | None
    reversal_id: UUID | None


class LedgerCorrectionPage(Page[LedgerCorrection]):
    """Newest first. `next_cursor` is the `cursor` of the next page; null on the last."""


def correction_of(row: Any) -> LedgerCorrection:
    stored = row["instead"]
    return LedgerCorrection(
        id=row["correction_id"],
        transfer_id=row["transfer_id"],
        payment_id=row["payment_id"],
        purpose=row["purpose"],
        instead=None if stored is None else CorrectTransfer.model_validate_json(stored),
        reason=row["reason"],
        state=row["state"],
        requested_by=row["requested_by"],
        requested_at=row["requested_at"],
        decided_by=row["decided_by"],
        decided_at=row["decided_at"],
        reversal_id=row["reversal_id"],
    )
