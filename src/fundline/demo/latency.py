"""Percentiles of what the client measured."""

import math
from collections.abc import Iterable
from typing import NamedTuple


class Percentiles(NamedTuple):
    """Milliseconds, by nearest rank: each is a time that one application really took."""

    p50: float
    p95: float
    p99: float


def percentiles(durations_s: Iterable[float]) -> Percentiles | None:
    """None when nothing was measured. Durations in seconds."""
    ordered = sorted(durations_s)
    if not ordered:
        return None
    ranks = (math.ceil(share * len(ordered) / 100) for share in (50, 95, 99))
    return Percentiles(*(round(ordered[rank - 1] * 1000, 1) for rank in ranks))
