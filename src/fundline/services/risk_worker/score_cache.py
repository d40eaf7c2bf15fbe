"""`risk_score:{id}`: the finished scoring of an application, for 24 hours or until another model is promoted.

It saves the work of scoring when a message comes again, or somebody asks for a new assessment of the same facts. The
entry carries all that it was made of and is used only when that is what would be asked for now, so that neither a
promotion, nor a corrected figure, nor a shadow switched on can meet a stale one.
"""

import contextlib
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson

from fundline.domain.facts import ApplicantFacts
from fundline.platform.cache import Cache, CacheUnavailable
from fundline.platform.cache.metrics import CacheMetrics
from fundline.platform.telemetry.metrics import Metrics
from fundline.records.cached import RISK_SCORE
from fundline.risk.evidence import Inputs, UnreadableEvidence, from_json
from fundline.services.risk_worker.experiment import Choice


class ScoreCache:
    """A cache that is away costs nothing but the saving."""

    def __init__(self, cache: Cache, metrics: Metrics, *, cached_s: int) -> None:
        self._cache, self._cached_s = cache, cached_s
        self._requests = metrics.of(CacheMetrics).cache_requests

    async def find(
        self, application_id: UUID, facts: ApplicantFacts, choice: Choice, policy_version: str
    ) -> tuple[Inputs, Mapping[str, Any] | None] | None:
        try:
            stored = await self._cache.get(RISK_SCORE.key(application_id))
        except CacheUnavailable:
            return self._count_and_return("error", None)
        if stored is None:
            return self._count_and_return("miss", None)
        try:
            entry = orjson.loads(stored)
            inputs, _ = from_json(orjson.dumps(entry["evidence"]))
            made_for, shadow = (entry["version"], entry["shadowVersion"]), _object_or_none(entry["shadow"])
        except (UnreadableEvidence, orjson.JSONDecodeError, KeyError, TypeError):
            return self._count_and_return("foreign", None)  # not ours: it is replaced once the score is there
        if (
            made_for != (choice.version, choice.shadow)
            or inputs.facts != facts
            or inputs.policy_version != policy_version
        ):
            return self._count_and_return("miss", None)
        return self._count_and_return("hit", (inputs, shadow))

    async def keep(
        self, application_id: UUID, choice: Choice, evidence: bytes, shadow: Mapping[str, Any] | None
    ) -> None:
        entry = {
            "version": choice.version,
            "shadowVersion": choice.shadow,
            "evidence": orjson.Fragment(evidence),
            "shadow": shadow,
        }
        with contextlib.suppress(CacheUnavailable):
            await self._cache.put(RISK_SCORE.key(application_id), orjson.dumps(entry), ttl_s=self._cached_s)

    def _count_and_return(
        self, result: str, found: tuple[Inputs, Mapping[str, Any] | None] | None
    ) -> tuple[Inputs, Mapping[str, Any] | None] | None:
        self._requests.labels(RISK_SCORE.name, result).inc()
        return found


def _object_or_none(value: Any) -> dict[str, Any] | None:
    """Raises TypeError."""
    if not isinstance(value, dict | None):
        raise TypeError("the shadow's judgement is not an object")
    return value
