"""The features of the risk models: one list for training, for scoring and for the model cards.

A feature may only rest on a column that is known when somebody applies. What is known later (the outcome, the
term in the records, which was overwritten for loans that failed, disbursed amounts, balances) can never enter:
the training reads the columns that are named here and no others.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from fundline.domain.facts import ApplicantFacts

Value = float | str
FeatureValues = Mapping[str, Value]
"""By feature name. Numbers and flags (0.0 or 1.0) are floats, categories text."""

USD_PER_UNIT: Mapping[str, float] = {"USD": 1.0, "EUR": 1.1, "GBP": 1.3, "JPY": 0.0067}
"""Round rates of our own: an amount only has to fall into the right band of the models, which know dollars."""

UNKNOWN = "unknown"
_LEGAL_FORMS = frozenset({"corporation", "llc", "other"})
_BUSINESS_AGES = frozenset({"new", "existing", UNKNOWN})
_STATE = re.compile(r"[A-Z]{2}")
_SUBSECTOR = re.compile(r"[1-9][0-9]{1,2}")


class FeatureError(ValueError):
    """A value that no application can have, or a feature that is missing or unknown. The text is a sentence."""

    def __init__(self, feature: str, sentence: str) -> None:
        self.feature = feature
        super().__init__(f"{feature}: {sentence}")


@dataclass(frozen=True, slots=True)
class Feature:
    """`column` of sba_loans.csv it rests on; `lowest` and `highest` bound numbers, `is_known` accepts categories."""

    name: str
    kind: Literal["number", "flag", "category"]
    column: str
    why_known: str
    reason: str
    """Code of the principal reason when it hurts."""
    from_loan: Callable[[str], Value]
    lowest: float = 0.0
    highest: float = 1.0
    is_known: Callable[[str], bool] = lambda _: True

    def checked(self, value: object) -> Value:
        """The value in its type. Raises FeatureError when it is out of range, not finite, or of another type."""
        if self.kind == "category":
            if not isinstance(value, str) or not self.is_known(value):
                raise FeatureError(self.name, f"“{value}” is not a value of this feature.")
            return value
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise FeatureError(self.name, f"{value} is not a finite number.")
        if not self.lowest <= value <= self.highest or (self.kind == "flag" and value not in {0, 1}):
            raise FeatureError(self.name, f"{value} is not between {self.lowest:g} and {self.highest:g}.")
        return float(value)


def _legal_form(text: str) -> str:
    return text if text in _LEGAL_FORMS else "other"


def _business_age(text: str) -> str:
    return text if text in _BUSINESS_AGES else UNKNOWN


def _subsector(naics: str) -> str:
    """The first three digits; `unknown` for 0, which the records use when the code was not filled in."""
    return naics[:3] if _SUBSECTOR.fullmatch(naics[:3]) else UNKNOWN


def _state(text: str) -> str:
    return text if _STATE.fullmatch(text) else UNKNOWN


FEATURES: tuple[Feature, ...] = (
    Feature("amount", "number", "amount_approved", "asked for by the applicant (US dollars)",
            "amount_history", float, 1.0, 1e9),
    Feature("revolving", "flag", "revolver", "the product asked for: a revolving line or a term loan",
            "revolving_history", float),
    Feature("employees", "number", "employees", "stated by the applicant", "employees_few", float, 0.0, 1e6),
    Feature("business_age", "category", "new_business", "stated by the applicant: up to two years old or older",
            "business_new", _business_age, is_known=_BUSINESS_AGES.__contains__),
    Feature("legal_form", "category", "legal_form", "stated by the applicant (in the records told from the name)",
            "legal_form", _legal_form, is_known=_LEGAL_FORMS.__contains__),
    Feature("franchise", "flag", "franchise", "stated by the applicant", "franchise", float),
    Feature("subsector", "category", "naics", "stated by the applicant: first three digits of the NAICS code",
            "sector_history", _subsector, is_known=lambda v: v == UNKNOWN or bool(_SUBSECTOR.fullmatch(v))),
    Feature("state", "category", "state", "where the business is", "state_history", _state,
            is_known=lambda v: v == UNKNOWN or bool(_STATE.fullmatch(v))),
)  # fmt: skip
FEATURE_NAMES: tuple[str, ...] = tuple(feature.name for feature in FEATURES)
REASON_BY_FEATURE: Mapping[str, str] = {feature.name: feature.reason for feature in FEATURES}


def checked_features(values: Mapping[str, object]) -> dict[str, Value]:
    """All features in their order. Raises FeatureError for a missing, unknown or impossible one."""
    for name in values:
        if name not in FEATURE_NAMES:
            raise FeatureError(name, "no model knows this feature.")
    for name in FEATURE_NAMES:
        if name not in values:
            raise FeatureError(name, "the feature is missing.")
    return {feature.name: feature.checked(values[feature.name]) for feature in FEATURES}


def features_of_loan(row: Mapping[str, str]) -> dict[str, Value]:
    """From a row of a file with the columns of sba_loans.csv. Raises FeatureError (with the feature's name)."""
    values: dict[str, Value] = {}
    for feature in FEATURES:
        try:
            values[feature.name] = feature.from_loan(row[feature.column].strip())
        except KeyError:
            raise FeatureError(feature.name, f"the column {feature.column} is missing.") from None
        except ValueError:
            raise FeatureError(feature.name, f"“{row[feature.column]}” is not a number.") from None
    return checked_features(values)


def features_of_application(facts: ApplicantFacts) -> dict[str, Value]:
    """From an application. Raises FeatureError, also for a currency without a rate."""
    if facts.currency not in USD_PER_UNIT:
        raise FeatureError("amount", f"there is no dollar rate for {facts.currency}.")
    return checked_features(
        {
            "amount": float(facts.amount) * USD_PER_UNIT[facts.currency],
            "revolving": float(facts.revolving),
            "employees": float(facts.employees),
            "business_age": _business_age(facts.business_age),
            "legal_form": _legal_form(facts.legal_form),
            "franchise": float(facts.franchise),
            "subsector": _subsector(facts.naics),
            "state": _state(facts.state),
        }
    )
