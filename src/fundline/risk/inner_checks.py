"""How a family does on windows inside the training months: what its recipe may be chosen by.

The months are those of WINDOWS["training"]; nothing here reads the test window.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from fundline.risk.calibration import recalibration, sigmoid
from fundline.risk.measures import Measures, measure
from fundline.risk.recipe import SEED, WINDOWS, Family, Vintage, raw_log_odds, vintage

_FITTED_UNTIL = ("2004-09-01", "2004-10-01", "2004-11-01")
_JUDGED_MONTHS = ("2004-09", "2004-10", "2004-11")


@dataclass(frozen=True, slots=True)
class InnerCheck:
    """Fitted to the training loans approved before `fitted_until`, judged on those of `month`, both uncalibrated.

    `slope` is what a calibration learnt there would be; `is_used` when it is the one that ships.
    """

    fitted_until: str
    month: str
    figures: Measures
    slope: float
    is_used: bool


def inner_checks(family: Family, training: Vintage) -> Iterator[InnerCheck]:
    """Each month that follows a fit, also at a distance. Raises NoFit when a month has one outcome only."""
    by_month = {
        month: vintage(loans)
        for month, loans in groupby(
            sorted(training.loans, key=lambda loan: loan.approved_on), key=lambda loan: loan.approved_on[:7]
        )
    }
    for until in _FITTED_UNTIL:
        earlier = vintage(loan for loan in training.loans if loan.approved_on < until)
        explainer = family.fit(earlier.rows, earlier.defaulted, SEED).explainer
        for month in (one for one in _JUDGED_MONTHS if one >= until[:7]):
            later = by_month[month]
            log_odds = raw_log_odds(explainer, later.rows)
            yield InnerCheck(
                until,
                month,
                measure(sigmoid(log_odds), later.outcome),
                recalibration(log_odds, later.outcome).slope,
                (until, f"{month}-01") == (WINDOWS["calibration_training"][1], WINDOWS["calibration"][0]),
            )
