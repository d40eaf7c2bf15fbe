"""The operations API in the OpenAPI document."""

from typing import Any

from pydantic import BaseModel

from fundline.manual import answers_operations as answers
from fundline.manual.openapi_parts import (
    IDEMPOTENCY_KEY,
    PLAYED_BACK,
    operation,
    path_parameter,
    query_of,
    refused,
    responds,
)
from fundline.services.operations_api.audit import AuditQuery
from fundline.services.operations_api.correction_schemas import (
    CorrectionDecision,
    CorrectionQuery,
    CorrectionRequest,
)
from fundline.services.operations_api.dead_letter_schemas import (
    ApprovalRequest,
    BulkReplayRequest,
    DeadLetterQuery,
    ReasonRequest,
    ReplayRequest,
)
from fundline.services.operations_api.disbursement_schemas import DisbursementQuery, ReleaseRequest
from fundline.services.operations_api.schemas import CaseQuery, ResolutionRequest

TAG = {
    "name": "operations",
    "description": "Operations API: cases, dead letters, payments, ledger corrections, the audit trail",
}
REQUESTS: tuple[type[BaseModel], ...] = (
    ResolutionRequest,
    ReasonRequest,
    ReplayRequest,
    ApprovalRequest,
    BulkReplayRequest,
    ReleaseRequest,
    CorrectionRequest,
    CorrectionDecision,
)
ANSWERS: tuple[type[BaseModel], ...] = (
    answers.Case,
    answers.CasePage,
    answers.DeadLetter,
    answers.DeadLetterPage,
    answers.WholeDeadLetter,
    answers.BulkReplayed,
    answers.AuditTrailPage,
    answers.Payment,
    answers.PaymentPage,
    answers.LedgerCorrection,
    answers.LedgerCorrectionPage,
)
_ID = {"type": "string", "format": "uuid"}
_CASE_ID = path_parameter("id", "The case's id.", _ID)
_LETTER_ID = path_parameter("id", "The dead letter's id.", _ID)
_APPLICATION_ID = path_parameter("id", "The application's id.", _ID)
_CORRECTION_ID = path_parameter("id", "The correction's id.", _ID)
_REASON = {"reason": "The bank is back; asked for under its id."}


def operations_paths() -> dict[str, Any]:
    return {
        **_case_paths(),
        **_dead_letter_paths(),
        **_payment_paths(),
        **_correction_paths(),
        **_audit_paths(),
    }


def _case_paths() -> dict[str, Any]:
    return {
        "/v1/cases": {
            "get": _read(
                "listCases",
                "What waits for a person, newest first. Roles: operator, compliance.",
                "CasePage",
                query_of(CaseQuery),
            )
        },
        "/v1/cases/{id}": {
            "get": _read("readCase", "One case. Roles: operator, compliance.", "Case", [_CASE_ID])
        },
        "/v1/cases/{id}/resolve": {
            "post": write(
                "resolveCase",
                "Say how a case was settled; about money, a second person agrees. Role: operator.",
                (
                    "ResolutionRequest",
                    {"resolution": "The bank confirmed by telephone that nothing was paid."},
                ),
                "Case",
                [_CASE_ID],
            )
        },
    }


def _dead_letter_paths() -> dict[str, Any]:
    path = "/v1/dead-letters"
    return {
        path: {
            "get": _read(
                "listDeadLetters",
                "Events that consumer groups gave up on, newest first. Roles: operator, compliance.",
                "DeadLetterPage",
                query_of(DeadLetterQuery),
            )
        },
        f"{path}/{{id}}": {
            "get": _read(
                "readDeadLetter",
                "One, with its payload and every time it died. Roles: operator, compliance.",
                "WholeDeadLetter",
                [_LETTER_ID],
            )
        },
        f"{path}/bulk-replay": {
            "post": write(
                "bulkReplayDeadLetters",
                "Replay up to 100 open letters, oldest first, at a rate; those that move money are asked for. "
                "Role: operator.",
                ("BulkReplayRequest", {"topic": "status.updated", "perSecond": 10, **_REASON}),
                "BulkReplayed",
                [],
            )
        },
        **{
            f"{path}/{{id}}/{verb}": {
                "post": write(f"{verb}DeadLetter", summary, (schema, body), "DeadLetter", [_LETTER_ID])
            }
            for verb, summary, schema, body in _VERBS
        },
    }


def _payment_paths() -> dict[str, Any]:
    path = "/v1/disbursements"
    return {
        path: {
            "get": _read(
                "listPayments",
                "Payments, that of the newest application first. Roles: operator, compliance, underwriter.",
                "PaymentPage",
                query_of(DisbursementQuery),
            )
        },
        f"{path}/{{id}}": {
            "get": _read(
                "readPayment",
                "The payment of one application. Roles: operator, compliance, underwriter.",
                "Payment",
                [_APPLICATION_ID],
            )
        },
        f"{path}/{{id}}/release": {
            "post": write(
                "releasePayment",
                "Release a payment above its currency's limit. Role: operator, neither its approver nor its applicant.",
                ("ReleaseRequest", {"reason": "Collateral and papers seen."}),
                "Payment",
                [_APPLICATION_ID],
            )
        },
    }


def _correction_paths() -> dict[str, Any]:
    path, because = "/v1/ledger-corrections", {"reason": "The bank's letter says the same."}
    example = {
        "transferId": "01a20df7-bb99-7525-9dee-d33162722742",
        "reason": "Called settled; the bank has taken it back.",
        "instead": {
            "debit": "lender_funding",
            "credit": "disbursement_clearing",
            "amount": "13500.00",
            "currency": "USD",
        },
    }
    read = "Roles: operator, compliance."
    return {
        path: {
            "get": _read(
                "listLedgerCorrections",
                f"What was asked for, newest first. {read}",
                "LedgerCorrectionPage",
                query_of(CorrectionQuery),
            ),
            "post": write(
                "proposeLedgerCorrection",
                "Say which transfer is wrong, and what should stand there; nothing is booked yet. Role: operator.",
                ("CorrectionRequest", example),
                "LedgerCorrection",
                [],
                status="201",
            ),
        },
        f"{path}/{{id}}": {
            "get": _read("readLedgerCorrection", f"One. {read}", "LedgerCorrection", [_CORRECTION_ID])
        },
        **{
            f"{path}/{{id}}/{verb}": {
                "post": write(
                    f"{verb}LedgerCorrection",
                    summary,
                    ("CorrectionDecision", because),
                    "LedgerCorrection",
                    [_CORRECTION_ID],
                )
            }
            for verb, summary in (
                ("approve", "Agree to what somebody else has asked for; it is booked. Role: operator."),
                ("withdraw", "It will not be booked. Role: operator."),
            )
        },
    }


_VERBS: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
    (
        "replay",
        "Send the event again to its group, under the same event id; where money moves, ask for it. Role: operator.",
        "ReplayRequest",
        _REASON,
    ),
    (
        "approve",
        "Agree to a replay that somebody else has asked for. Role: operator.",
        "ApprovalRequest",
        {**_REASON, "payloadSha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    ),
    ("withdraw", "Take back what was asked for, or refuse it. Role: operator.", "ReasonRequest", _REASON),
    ("discard", "It will not be sent again. Role: operator.", "ReasonRequest", _REASON),
)


def _audit_paths() -> dict[str, Any]:
    reference = path_parameter("id", "The application's id or its tracking id.", {"type": "string"})
    return {
        "/v1/audit/{id}": {
            "get": _read(
                "readAuditTrail",
                "An application's story, oldest first. Roles: compliance, operator. The reading itself is on record.",
                "AuditTrailPage",
                [reference, *query_of(AuditQuery)],
            )
        },
    }


def _read(operation_id: str, summary: str, answer: str, parameters: list[dict[str, Any]]) -> dict[str, Any]:
    return operation(
        operation_id,
        summary,
        tag=TAG["name"],
        parameters=parameters,
        responses={"200": responds("As stored.", answer), **refused(401, 403, 404, 422, 429, 503)},
    )


def write(
    operation_id: str,
    summary: str,
    body: tuple[str, dict[str, Any]],
    answer: str,
    parameters: list[dict[str, Any]],
    *,
    status: str = "200",
) -> dict[str, Any]:
    return operation(
        operation_id,
        summary,
        tag=TAG["name"],
        parameters=[*parameters, IDEMPOTENCY_KEY],
        body=body,
        responses={
            status: responds("Stored.", answer, headers=PLAYED_BACK),
            **refused(400, 401, 403, 404, 409, 413, 415, 422, 429, 503),
        },
    )
