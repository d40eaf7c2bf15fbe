"""Log odds of default by category, drawn towards what is known of the whole, the more so the fewer rows there are."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

SECTOR_DIGITS = 2


def log_odds(probability: float) -> float:
    """Raises ValueError outside the open interval from 0 to 1."""
    return math.log(probability / (1.0 - probability))


def smoothed_rates(
    keys: Iterable[str], defaulted: Iterable[bool], strength: float, prior: float | Mapping[str, float]
) -> dict[str, float]:
    """Share of defaults by key after `strength` further observations at the prior rate (one for all, or by key)."""
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for key, is_bad in zip(keys, defaulted, strict=True):
        counts[key][0] += bool(is_bad)
        counts[key][1] += 1
    return {
        key: (bad + strength * (prior if isinstance(prior, float) else prior[key])) / (size + strength)
        for key, (bad, size) in sorted(counts.items())
    }


def subsector_rates(
    subsectors: Sequence[str], defaulted: Sequence[bool], strength: float, base: float
) -> dict[str, float]:
    """By subsector drawn towards its sector, and by sector (two digits) drawn towards the whole.

    The sectors serve subsectors that nobody trained on.
    """
    sectors = smoothed_rates([code[:SECTOR_DIGITS] for code in subsectors], defaulted, strength, base)
    prior = {code: sectors[code[:SECTOR_DIGITS]] for code in set(subsectors)}
    return {**sectors, **smoothed_rates(subsectors, defaulted, strength, prior)}


def looked_up(table: Mapping[str, float], key: str) -> float:
    """Of the key, or of its sector, or 0: what was never seen speaks neither for nor against."""
    return table.get(key, table.get(key[:SECTOR_DIGITS], 0.0))
