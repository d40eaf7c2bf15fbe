"""Which model decides, as it is answered."""

from typing import Annotated, Literal

from pydantic import Field

from fundline.platform.shapes import Answer, Moment
from fundline.records.model_changes import Action
from fundline.services.operations_api.models.split import Split


class ModelSplit(Answer):
    """`share_percent` of the applicants meet the challenger, the others the champion."""

    champion: str
    challenger: str | None
    share_percent: int


class AskedChange(Answer):
    """What somebody has asked for, and another person has to agree to by the same request."""

    action: Literal["promoted", "reset"]
    model_version: str
    share_percent: int | None
    asked_by: str
    asked_at: Moment
    reason: str


class RiskModels(Answer):
    """Which models decide, which look on, and which the guardrail has switched off."""

    split: ModelSplit
    shadow: Annotated[str | None, Field(description="`off`, `other`, or the version that only looks on.")]
    packaged: Annotated[list[str], Field(description="The versions that can be promoted.")]
    tripped: dict[str, str]
    asked: list[AskedChange]


class ModelChange(Answer):
    """`state`: `asked` until a second person agrees; then `after` is in force within a second."""

    state: Literal["asked", "done"]
    action: Action
    model_version: str
    before: ModelSplit
    after: ModelSplit


def split_answer(split: Split) -> ModelSplit:
    return ModelSplit(champion=split.champion, challenger=split.challenger, share_percent=split.share)
