"""The split of applicants between champion and challenger: its steps, and how it stands in a flagd file. Pure.

The challenger comes first in flagd's `fractional` list and the weights add up to 100: a person has a fixed place
from 0 to 100, the challenger takes the places below its share, so a growing share only adds people.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fundline.platform.refusals import Kind, Refusal
from fundline.records.model_flags import (
    CHALLENGER_FLAG,
    CHAMPION_FLAG,
    NONE,
    RISK_MODEL,
    SHADOW_FLAG,
)

SHARES = (10, 50, 100)
"""Per cent of applicants at the steps of a promotion; at the last the challenger becomes the champion."""
ALL = 100


class SplitRefused(Refusal):
    kind = Kind.CONFLICT
    code = "split-refused"
    title = "The applicants cannot be split like that now"


@dataclass(frozen=True, slots=True)
class Split:
    """`share` per cent of applicants meet the challenger, the others the champion."""

    champion: str
    challenger: str | None
    share: int

    def figures(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    def share_of(self, version: str) -> int:
        if version == self.champion:
            return ALL - self.share
        return self.share if version == self.challenger else 0

    def role_of(self, version: str) -> str | None:
        if version == self.champion:
            return "champion"
        return "challenger" if version == self.challenger else None

    def promoted(self, version: str, share: int, *, force: bool) -> "Split":
        """Raises SplitRefused for a step that is not allowed."""
        if share not in SHARES:
            raise SplitRefused(f"A share is 10, 50 or 100 per cent, not {share}.")
        if version == self.champion:
            raise SplitRefused(f"{version} is the champion already.")
        if self.share > 0 and version != self.challenger:
            raise SplitRefused(
                f"{self.challenger} is being tried with {self.share} % of the applicants; "
                "roll it back with `fundline model rollback` before another one."
            )
        if share < ALL:
            return Split(self.champion, version, share)
        now = self.share_of(version)
        if now != SHARES[-2] and not force:
            raise SplitRefused(
                f"{version} meets {now} % of the applicants now; go to 50 % first, or say --force."
            )
        return Split(version, self.champion, 0)

    def without_challenger(self) -> "Split":
        return dataclasses.replace(self, share=0)


def read_split(document: Mapping[str, Any]) -> Split:
    """Raises SplitRefused when somebody has written the flags in another form."""
    try:
        champion = _value(document, CHAMPION_FLAG)
        challenger = _value(document, CHALLENGER_FLAG)
        flag = document["flags"][RISK_MODEL]
        weights = dict(flag["targeting"]["fractional"]) if flag.get("targeting") else {champion: ALL}
        is_known = set(weights) <= {champion, challenger} and sum(weights.values()) == ALL
    except (KeyError, TypeError, ValueError, AttributeError):
        is_known = False
    if not is_known or champion == NONE:
        raise SplitRefused(
            f"The flag {RISK_MODEL} is written in a form that this command does not know; change it by hand."
        )
    if challenger in (NONE, champion):
        return Split(champion, None, 0)
    return Split(champion, challenger, weights.get(challenger, 0))


def shadow_of(document: Mapping[str, Any]) -> str | None:
    try:
        return _value(document, SHADOW_FLAG)
    except (KeyError, TypeError):
        return None


def write_split(document: Mapping[str, Any], split: Split) -> dict[str, Any]:
    """The document with this split; every other flag is left as it is."""
    versions = [version for version in (split.challenger, split.champion) if version is not None]
    weights = [[version, split.share_of(version)] for version in versions]
    changed = {
        RISK_MODEL: _flag(versions, split.champion) | {"targeting": {"fractional": weights}},
        CHAMPION_FLAG: _flag([split.champion], split.champion),
        CHALLENGER_FLAG: _flag([split.challenger or NONE], split.challenger or NONE),
    }
    return {**document, "flags": {**document["flags"], **changed}}


def _flag(values: list[str], default: str) -> dict[str, Any]:
    return {"state": "ENABLED", "variants": {value: value for value in values}, "defaultVariant": default}


def _value(document: Mapping[str, Any], name: str) -> str:
    """Of a flag that is the same for everybody. Raises KeyError or TypeError."""
    flag = document["flags"][name]
    return str(flag["variants"][flag["defaultVariant"]])
