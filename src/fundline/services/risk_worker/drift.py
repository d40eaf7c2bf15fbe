"""Has a challenger drifted away from the champion? The pure rule of the guardrail; no clock, no database.

Both tests ask whether a difference of two proportions exceeds a margin with statistical weight: the two-proportion
z test against a shifted null (|p1 - p2| <= margin), unpooled, with one success and one failure added to each side so
that it holds for small counts and for proportions of 0 and 1.
Sources: Agresti and Caffo (2000), "Simple and effective confidence intervals for proportions and differences of
proportions result from adding two successes and two failures", The American Statistician 54, 280-288;
Fleiss, Levin and Paik (2003), "Statistical Methods for Rates and Proportions", chapter 4.
"""

import math
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Tally:
    """What one model did in the window. `errors` are decisions that it was asked for and did not answer."""

    version: str
    decisions: int = 0
    errors: int = 0
    approved: int = 0
    """Of the decisions that it answered."""

    @property
    def answered(self) -> int:
        return self.decisions - self.errors

    def figures(self) -> dict[str, Any]:
        return {
            "modelVersion": self.version,
            "decisions": self.decisions,
            "errorRate": rate(self.errors, self.decisions),
            "approvalRate": rate(self.approved, self.answered),
        }


@dataclass(frozen=True, slots=True)
class Limits:
    """Margins are differences of rates from 0 to 1; `z` is in standard errors beyond the margin."""

    least_decisions: int
    error_margin: float
    approval_margin: float
    z: float


@dataclass(frozen=True, slots=True)
class Drift:
    cause: Literal["error-rate", "approval-rate"]
    sentence: str
    z: float


def rate(part: int, whole: int) -> float | None:
    """Rounded to four places; None of nothing."""
    return round(part / whole, 4) if whole else None


def find_drift(champion: Tally, challenger: Tally, limits: Limits) -> Drift | None:
    """The reason to switch the challenger off, if there is one. Errors first: they need no interpretation.

    More errors count, fewer do not; an approval rate counts in both directions.
    """
    return _error_drift(champion, challenger, limits) or _approval_drift(champion, challenger, limits)


def _error_drift(champion: Tally, challenger: Tally, limits: Limits) -> Drift | None:
    if min(champion.decisions, challenger.decisions) < limits.least_decisions:
        return None
    z = z_beyond(
        (challenger.errors, challenger.decisions), (champion.errors, champion.decisions), limits.error_margin
    )
    if z < limits.z:
        return None
    ours, theirs = challenger.errors / challenger.decisions, champion.errors / champion.decisions
    return Drift(
        "error-rate",
        f"{challenger.version} failed in {ours:.1%} of {challenger.decisions} decisions, "
        f"{champion.version} in {theirs:.1%} of {champion.decisions}.",
        round(z, 2),
    )


def _approval_drift(champion: Tally, challenger: Tally, limits: Limits) -> Drift | None:
    if min(champion.answered, challenger.answered) < limits.least_decisions:
        return None
    one, other = (challenger.approved, challenger.answered), (champion.approved, champion.answered)
    z = max(z_beyond(one, other, limits.approval_margin), z_beyond(other, one, limits.approval_margin))
    if z < limits.z:
        return None
    ours, theirs = challenger.approved / challenger.answered, champion.approved / champion.answered
    return Drift(
        "approval-rate",
        f"{challenger.version} approved {ours:.1%} of {challenger.answered} applications, "
        f"{champion.version} {theirs:.1%} of {champion.answered}.",
        round(z, 2),
    )


def z_beyond(one: tuple[int, int], other: tuple[int, int], margin: float = 0.0) -> float:
    """Standard errors by which the first proportion exceeds the second one plus `margin`; (successes, trials) each."""
    (x1, n1), (x2, n2) = ((successes + 1, trials + 2) for successes, trials in (one, other))
    p1, p2 = x1 / n1, x2 / n2
    return (p1 - p2 - margin) / math.sqrt(p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2)


def two_sided_p(z: float) -> float:
    """Probability of a deviation as large as this when there is no difference."""
    return math.erfc(abs(z) / math.sqrt(2))
