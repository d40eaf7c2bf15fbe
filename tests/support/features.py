"""Rows of features as real loans have them."""

from functools import cache
from itertools import islice

from fundline.risk.dataset import PACKAGED_LOANS, read_loans
from fundline.risk.features import FeatureValues, Value


@cache
def _every_fiftieth() -> tuple[FeatureValues, ...]:
    loans = islice(read_loans(PACKAGED_LOANS), 0, None, 50)
    return tuple(loan.features for loan in loans if loan.features is not None)


def feature_rows(count: int) -> list[dict[str, Value]]:
    """At most 400 of the packaged loans, spread over all years."""
    every = _every_fiftieth()
    return [dict(row) for row in every[:: len(every) // count]][:count]
