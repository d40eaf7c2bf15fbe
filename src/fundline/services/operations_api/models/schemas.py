"""What is asked about risk models."""

from typing import Annotated, Literal

from pydantic import Field

from fundline.platform.shapes import Asked
from fundline.services.operations_api.payments_switch.schemas import GoodReason


class PromotionRequest(Asked):
    """`reset` also lifts a trip of the guardrail; `force` allows 100 % without 50 % before."""

    share_percent: Annotated[Literal[10, 50, 100], Field(description="Of the applicants.")]
    reason: GoodReason
    reset: bool = False
    force: bool = False


class ModelRequest(Asked):
    """Why; kept in the record of changes and in the audit trail."""

    reason: GoodReason
