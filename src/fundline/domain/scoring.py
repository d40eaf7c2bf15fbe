"""What the policy decides on: a model's answer and the stress of the applicant's cash flow."""

from dataclasses import dataclass
from decimal import Decimal

PROBABILITY_STEP = Decimal("0.0001")
LOG_ODDS_STEP = Decimal("0.0001")


class BadScore(ValueError):
    """A model or a simulation gave an answer that cannot be: outside 0 to 1, not finite, or of another version."""


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one feature added to the log odds of default: positive hurt. `observed` is the value looked at."""

    feature: str
    observed: str
    log_odds: Decimal


@dataclass(frozen=True, slots=True)
class ModelScore:
    """A model's answer. `probability` of default is at the level of the loans the model was trained on, whose
    share of defaults is `base_rate`; log odds of it = `base` + all contributions.

    Raises BadScore when the probability is not inside 0 to 1 or a figure is not finite.
    """

    version: str
    probability: Decimal
    base_rate: Decimal
    base: Decimal
    contributions: tuple[Contribution, ...]
    digest: str = ""
    """SHA-256 of the artefact that answered; two artefacts never share a version, and this shows it."""

    def __post_init__(self) -> None:
        figures = (self.probability, self.base_rate, self.base, *(c.log_odds for c in self.contributions))
        if not all(figure.is_finite() for figure in figures):
            message = f"{self.version} answered a figure that is not finite"
            raise BadScore(message)
        if not 0 <= self.probability <= 1 or not 0 < self.base_rate < 1:
            message = f"{self.version} answered {self.probability}, which is not a probability"
            raise BadScore(message)


@dataclass(frozen=True, slots=True)
class CashFlowStress:
    """Share of simulated futures in which an instalment could not be paid within the term.

    `seed` and `method` repeat it exactly. Raises BadScore when the share is not inside 0 to 1.
    """

    shortfall_probability: Decimal
    paths: int
    months: int
    seed: int
    method: str

    def __post_init__(self) -> None:
        share = self.shortfall_probability
        if not share.is_finite() or not 0 <= share <= 1:
            message = f"{self.method} answered {share}, which is not a probability"
            raise BadScore(message)
