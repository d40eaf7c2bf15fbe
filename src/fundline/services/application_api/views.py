"""What the API shows of an application: amounts as text, the account as its last four."""

from typing import Any

import orjson

from fundline.domain.money import Money
from fundline.services.application_api.answers import (
    Application,
    ApplicationPayment,
    Assessment,
    PayoutAccountView,
    UnderwriterDecision,
)


def application_answer(row: Any, *, to_lender: bool) -> Application:
    """One application as its owner sees it, or a person of the lender, who reads the notes of the file too."""
    return Application(
        id=row["application_id"],
        tracking_id=row["tracking_id"],
        status=row["status"],
        sequence=row["status_sequence"],
        amount=Money(row["amount_minor"], row["currency"]).text(),
        currency=row["currency"],
        term_months=row["term_months"],
        purpose=row["purpose"],
        revolving=row["revolving"],
        business=orjson.loads(row["business"]),
        figures=orjson.loads(row["figures"]),
        jobs=None if row["jobs"] is None else orjson.loads(row["jobs"]),
        payout_account=PayoutAccountView(type=row["payout_kind"], last4=row["payout_last4"]),
        metadata=orjson.loads(row["metadata"]),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        assessment=_assessment(row),
        underwriter_decision=_underwriter(row, to_lender=to_lender),
        disbursement=_payment(row),
    )


def _assessment(row: Any) -> Assessment | None:
    if row["verdict"] is None:
        return None
    return Assessment(
        number=row["assessment"],
        verdict=row["verdict"],
        risk_score=row["risk_score"],
        principal_reasons=orjson.loads(row["principal_reasons"]),
        model_version=row["model_version"],
        policy_version=row["policy_version"],
        assessed_at=row["assessed_at"],
    )


def _underwriter(row: Any, *, to_lender: bool) -> UnderwriterDecision | None:
    if row["underwriter_decision"] is None:
        return None
    return UnderwriterDecision(
        decision=row["underwriter_decision"],
        principal_reasons=orjson.loads(row["underwriter_reasons"]),
        reason=row["underwriter_reason"] if to_lender else None,
        decided_at=row["decided_at"],
    )


def _payment(row: Any) -> ApplicationPayment | None:
    if row["payment_state"] is None:
        return None
    return ApplicationPayment(
        state=row["payment_state"], transaction_id=row["transaction_id"], failure_code=row["failure_code"]
    )
