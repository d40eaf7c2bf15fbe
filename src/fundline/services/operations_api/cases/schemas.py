"""What is asked about cases."""

from typing import Annotated, Literal

from pydantic import Field

from fundline.platform.paging import Cursor
from fundline.platform.shapes import Asked, Reason
from fundline.records.cases import CaseKind


class CaseQuery(Asked):
    cursor: Cursor | None = None
    state: Literal["open", "resolved"] | None = None
    kind: CaseKind | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class ResolutionRequest(Asked):
    """How it was settled; kept with the case and in the audit trail."""

    resolution: Reason
