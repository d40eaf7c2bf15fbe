"""The scorecard: bins, the weight of evidence of each, and a logistic regression over them. Needs no numpy to answer.

The weight of evidence (WoE) of a bin is here the log odds of default within it less those of the whole, so that
a positive one speaks for default (Siddiqi 2006, "Credit Risk Scorecards", writes it the other way round).
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fundline.risk.features import FEATURE_NAMES, FeatureValues
from fundline.risk.smoothing import looked_up

AMOUNT_EDGES = (10_000, 15_000, 25_000, 35_000, 49_999, 50_000, 75_000, 100_000, 150_000, 250_000, 500_000)
EMPLOYEE_EDGES = (0, 1, 2, 3, 4, 6, 10, 20)
EMPLOYEE_BANDS = (*(f"up to {edge}" for edge in EMPLOYEE_EDGES), f"over {EMPLOYEE_EDGES[-1]}")
FLAGS = {0.0: "no", 1.0: "yes"}


def _band(value: float, edges: Sequence[int]) -> str:
    """Bands include their upper edge."""
    place = bisect_left(edges, value)
    return f"over {edges[-1]}" if place == len(edges) else f"up to {edges[place]}"


def bins_of(row: FeatureValues) -> dict[str, str]:
    """The bin of each feature. Amounts are judged within their product: a term loan or a revolving line."""
    product = "revolving" if row["revolving"] else "term loan"
    return {
        "amount": f"{product}, {_band(float(row['amount']), AMOUNT_EDGES)}",
        "revolving": product,
        "employees": _band(float(row["employees"]), EMPLOYEE_EDGES),
        "business_age": str(row["business_age"]),
        "legal_form": str(row["legal_form"]),
        "franchise": FLAGS[float(row["franchise"])],
        "subsector": str(row["subsector"]),
        "state": str(row["state"]),
    }


@dataclass(frozen=True, slots=True)
class Scorecard:
    """`weights` by feature and bin; an unseen bin weighs nothing (a subsector: what its sector weighs)."""

    intercept: float
    coefficients: Mapping[str, float]
    weights: Mapping[str, Mapping[str, float]]

    def explain(self, rows: Sequence[FeatureValues]) -> list[tuple[float, dict[str, float]]]:
        """For each row the base and what each feature adds, uncalibrated, in log odds of default."""
        return [(self.intercept, self._contributions(bins_of(row))) for row in rows]

    def log_odds(self, rows: Sequence[FeatureValues]) -> list[float]:
        return [base + sum(added.values()) for base, added in self.explain(rows)]

    def _contributions(self, bins: Mapping[str, str]) -> dict[str, float]:
        return {name: self.coefficients[name] * self._weight(name, bins[name]) for name in FEATURE_NAMES}

    def _weight(self, name: str, label: str) -> float:
        table = self.weights[name]
        return looked_up(table, label) if name == "subsector" else table.get(label, 0.0)
