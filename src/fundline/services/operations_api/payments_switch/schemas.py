"""What is asked about the switch of payments."""

from typing import Annotated

from pydantic import Field

from fundline.platform.shapes import Asked

GoodReason = Annotated[str, Field(min_length=10, max_length=500)]
"""Why, in words that somebody understands a year later."""


class SwitchRequest(Asked):
    """Why; kept in the audit trail."""

    reason: GoodReason
