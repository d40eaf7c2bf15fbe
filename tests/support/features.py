"""Rows of features as real loans have them."""

from functools import cache
from itertools import islice

from fundline.risk.dataset import PACKAGED_LOANS, read_loans
from fundline.risk.features import Value


@cache
def _first(count: int) -> tuple[dict[str, Value], ...]:
    loans = islice(read_loans(PACKAGED_LOANS), 0, count * 50, 50)
    return tuple(dict(loan.features) for loan in loans if loan.features is not None)


def feature_rows(count: int) -> list[dict[str, Value]]:
    """Every fiftieth of the packaged loans, from the first."""
    return [dict(row) for row in _first(count)]
