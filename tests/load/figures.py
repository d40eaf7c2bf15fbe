"""From measurements to figures: percentiles, medians over rounds, and whether the aim is met."""

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Figure = dict[str, Any]
"""One figure of the report: values with their unit in the name, its limit beside it, `aim` and `meets_aim`."""


def latency_ms(durations_s: Iterable[float]) -> dict[str, float]:
    """P50, P95, P99 by nearest rank, and the longest; empty when nothing was measured."""
    ordered = sorted(durations_s)
    if not ordered:
        return {}
    ranks = {f"p{share}": ordered[math.ceil(share * len(ordered) / 100) - 1] for share in (50, 95, 99)}
    return {name: round(value * 1000, 2) for name, value in (ranks | {"max": ordered[-1]}).items()}


def spread(rounds: Sequence[float], digits: int = 0) -> dict[str, float]:
    """Median, least and most of several rounds."""
    values = {"median": statistics.median(rounds), "min": min(rounds), "max": max(rounds)}
    return {name: round(value, digits) if digits else round(value) for name, value in values.items()}


def median_latency_ms(rounds: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    """The median of each percentile over the rounds, with the rounds' range of each."""
    names = [name for name in ("p50", "p95", "p99") if all(name in one for one in rounds)]
    medians: dict[str, Any] = {n: round(statistics.median(one[n] for one in rounds), 2) for n in names}
    ranges = {n: [min(one[n] for one in rounds), max(one[n] for one in rounds)] for n in names}
    return medians | {"range": ranges}


def beside_limit(figure: Sequence[float], limit: Sequence[float], *, at_least: float | None) -> Figure:
    """Rounds of the figure and of its limit, measured in turns; the ratio is taken per pair of neighbours."""
    ratios = [one / other for one, other in zip(figure, limit, strict=True)]
    ratio = spread(ratios, 3)
    report: Figure = {"figure": spread(figure), "limit": spread(limit), "ratio": ratio}
    if at_least is not None:
        report |= {"aim": {"ratio": at_least}, "meets_aim": ratio["median"] >= at_least}
    return report


def against_aim(measured_ms: Mapping[str, Any], aim_ms: Mapping[str, float]) -> Figure:
    """Latencies beside their aim, each percentile at most as long."""
    met = bool(measured_ms) and all(measured_ms[name] <= most for name, most in aim_ms.items())
    return {"ms": dict(measured_ms), "aim": {"ms": dict(aim_ms)}, "meets_aim": met}
