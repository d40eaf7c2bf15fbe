"""What the operations API reads and answers."""

from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from pydantic import BaseModel, ConfigDict, Field

from fundline.casefile.cases import CaseKind
from fundline.contracts.payloads import iso_utc


class CaseQuery(BaseModel):
    """`before`: the id of the last case of the page before."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    before: UUID | None = None
    state: Literal["open", "resolved"] | None = None
    kind: CaseKind | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class ResolutionRequest(BaseModel):
    """How it was settled; kept with the case and in the audit trail."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)
    resolution: Annotated[str, Field(min_length=3, max_length=500)]


def case_view(row: Any) -> dict[str, Any]:
    resolved_at, proposed_at = row["resolved_at"], row["proposed_at"]
    return {
        "id": str(row["case_id"]),
        "kind": row["kind"],
        "subject": row["subject"],
        "applicationId": None if row["application_id"] is None else str(row["application_id"]),
        "summary": row["summary"],
        "details": orjson.loads(row["details"]),
        "state": row["state"],
        "openedBy": row["opened_by"],
        "openedAt": iso_utc(row["opened_at"]),
        "resolvedBy": row["resolved_by"],
        "resolvedAt": None if resolved_at is None else iso_utc(resolved_at),
        "resolution": row["resolution"],
        "proposedBy": row["proposed_by"],
        "proposedAt": None if proposed_at is None else iso_utc(proposed_at),
        "proposedResolution": row["proposed_resolution"],
    }
