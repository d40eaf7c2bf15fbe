"""What is asked about the audit trail."""

from typing import Annotated

from pydantic import Field

from fundline.platform.shapes import Asked


class AuditQuery(Asked):
    """`after`: the sequence of the last entry of the page before. A story grows at its end, so it is read forwards."""

    after: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0
    limit: Annotated[int, Field(ge=1, le=500)] = 200
