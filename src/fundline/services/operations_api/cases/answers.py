"""A case, as it is answered."""

from typing import Any, Literal
from uuid import UUID

import orjson

from fundline.platform.paging import Page
from fundline.platform.shapes import Answer, Moment
from fundline.records.cases import CaseKind


class CaseNote(Answer):
    """What was found out after the case had been opened."""

    sentence: str
    noted_by: str
    noted_at: Moment


class Case(Answer):
    """What waits for a person. About money, the resolution is proposed by one and agreed to by another."""

    id: UUID
    kind: CaseKind
    subject: str
    application_id: UUID | None
    summary: str
    details: dict[str, Any]
    notes: list[CaseNote]
    state: Literal["open", "resolved"]
    opened_by: str
    opened_at: Moment
    resolved_by: str | None
    resolved_at: Moment | None
    resolution: str | None
    proposed_by: str | None
    proposed_at: Moment | None
    proposed_resolution: str | None


class CasePage(Page[Case]):
    """Newest first. `next_cursor` is the `cursor` of the next page; null on the last."""


def case_of(row: Any) -> Case:
    return Case(
        id=row["case_id"],
        kind=row["kind"],
        subject=row["subject"],
        application_id=row["application_id"],
        summary=row["summary"],
        details=orjson.loads(row["details"]),
        notes=[CaseNote.model_validate_json(orjson.dumps(note)) for note in orjson.loads(row["notes"])],
        state=row["state"],
        opened_by=row["opened_by"],
        opened_at=row["opened_at"],
        resolved_by=row["resolved_by"],
        resolved_at=row["resolved_at"],
        resolution=row["resolution"],
        proposed_by=row["proposed_by"],
        proposed_at=row["proposed_at"],
        proposed_resolution=row["proposed_resolution"],
    )
