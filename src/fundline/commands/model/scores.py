"""Cached scores after a change of the model that decides."""

from fundline.platform.cache import CacheUnavailable
from fundline.platform.cache.sweep import drop_all
from fundline.records.cached import RISK_SCORE


async def drop_scores(cache_url: str) -> int | None:
    """How many cached scores were dropped; None when the cache is away: they name their model and are not reused."""
    try:
        return await drop_all(cache_url, RISK_SCORE)
    except CacheUnavailable:
        return None
