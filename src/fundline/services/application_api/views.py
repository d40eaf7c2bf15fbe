"""What the API shows of an application: camelCase, amounts as text, accounts as their last four."""

from typing import Any

import orjson

from fundline.contracts.payloads import iso_utc
from fundline.domain.money import Money


def application_view(row: Any) -> dict[str, Any]:
    """One application as its owner, or a person of the lender, sees it."""
    view: dict[str, Any] = {
        "id": str(row["application_id"]),
        "trackingId": row["tracking_id"],
        "status": row["status"],
        "sequence": row["status_sequence"],
        "amount": Money(row["amount_minor"], row["currency"]).text(),
        "currency": row["currency"],
        "termMonths": row["term_months"],
        "purpose": row["purpose"],
        "revolving": row["revolving"],
        "business": orjson.loads(row["business"]),
        "figures": orjson.loads(row["figures"]),
        "jobs": None if row["jobs"] is None else orjson.loads(row["jobs"]),
        "payoutAccount": {"type": row["payout_kind"], "last4": row["payout_last4"]},
        "metadata": orjson.loads(row["metadata"]),
        "createdAt": iso_utc(row["created_at"]),
        "updatedAt": iso_utc(row["updated_at"]),
        "assessment": _assessment(row),
        "underwriterDecision": _underwriter(row),
        "disbursement": _disbursement(row),
    }
    return view


def _assessment(row: Any) -> dict[str, Any] | None:
    if row["verdict"] is None:
        return None
    return {
        "number": row["assessment"],
        "verdict": row["verdict"],
        "riskScore": row["risk_score"],
        "principalReasons": orjson.loads(row["principal_reasons"]),
        "modelVersion": row["model_version"],
        "policyVersion": row["policy_version"],
        "assessedAt": iso_utc(row["assessed_at"]),
    }


def _underwriter(row: Any) -> dict[str, Any] | None:
    if row["underwriter_decision"] is None:
        return None
    return {
        "decision": row["underwriter_decision"],
        "reason": row["underwriter_reason"],
        "decidedAt": iso_utc(row["decided_at"]),
    }


def _disbursement(row: Any) -> dict[str, Any] | None:
    if row["payment_state"] is None:
        return None
    return {
        "state": row["payment_state"],
        "transactionId": row["transaction_id"],
        "failureCode": row["failure_code"],
    }
