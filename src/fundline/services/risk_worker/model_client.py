"""The way to the model service: a time-out, a circuit breaker, and retries within a budget.

The only layer that retries for the model: whoever calls falls back, and never leaves the repetition to Kafka. At worst
a score takes three time-outs and two short pauses; with an open breaker it takes no time at all.
"""

import random
import time
from collections.abc import Callable

import orjson

from fundline.domain.scoring import ModelScore
from fundline.platform.http.client import Answer, CallNotSent, CallUnanswered, JsonClient
from fundline.platform.resilience import (
    BreakerOpen,
    CircuitBreaker,
    RetryBudget,
    RetryPolicy,
    call_with_retries,
)
from fundline.platform.resilience.metrics import ResilienceMetrics
from fundline.platform.telemetry.metrics import Metrics
from fundline.risk.features import FeatureValues
from fundline.services.risk_worker.metrics import ScoringMetrics
from fundline.services.risk_worker.model_wire import BadModelAnswer, infer_path, infer_request, read_score

__all__ = ["BadModelAnswer", "ModelAway", "ModelClient"]

DEPENDENCY = "model-service"
LONGEST_OPEN_S = 15.0
"""While the breaker rests, people get every application; so the rest does not grow for as long as it might."""
_OK = 200
_CAUSE_CHARACTERS = 200


class ModelAway(Exception):
    """No answer could be had. The text, for the evidence, says why."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause[:_CAUSE_CHARACTERS])


class ModelClient:
    """Belongs to one event loop. Every attempt counts for the breaker; an answer that cannot be counts as a failure."""

    def __init__(
        self,
        url: str,
        metrics: Metrics,
        *,
        timeout_s: float = 1.0,
        open_for_s: float = 5.0,
        budget: RetryBudget | None = None,
        policy: RetryPolicy | None = None,
        clock: Callable[[], float] = time.monotonic,
        dice: Callable[[], float] = random.random,
    ) -> None:
        """`timeout_s` is for each attempt."""
        self._http = JsonClient(url, timeout_s=timeout_s, connect_timeout_s=timeout_s)
        self._headers = {"x-timeout-ms": str(int(timeout_s * 1000))}
        self._metrics, self._dice = metrics.of(ScoringMetrics), dice
        self._budget, self._policy = budget or RetryBudget(), policy or RetryPolicy()
        resilience = metrics.of(ResilienceMetrics)
        state, retried = resilience.breaker_state.labels(DEPENDENCY), resilience.retries.labels(DEPENDENCY)
        self._on_retry = retried.inc
        self._breaker = CircuitBreaker(
            DEPENDENCY,
            failures=(CallNotSent, CallUnanswered, BadModelAnswer),
            open_for_s=open_for_s,
            longest_open_s=LONGEST_OPEN_S,
            clock=clock,
            dice=dice,
            on_change=lambda now: state.set(now.level),
        )

    @property
    def is_open(self) -> bool:
        """True while the breaker refuses; the next score is then ModelAway at once."""
        return self._breaker.is_open

    async def score(self, version: str, features: FeatureValues) -> ModelScore:
        """Raises ModelAway or BadModelAnswer. `features` must have been checked (`checked_features`)."""
        try:
            return await call_with_retries(
                lambda: self._attempt(version, features),
                may_pass=_may_pass,
                budget=self._budget,
                policy=self._policy,
                dice=self._dice,
                on_retry=self._on_retry,
            )
        except BreakerOpen as refused:
            raise ModelAway(str(refused)) from refused
        except CallNotSent as failure:
            raise ModelAway(f"the model service could not be reached: {failure}") from failure
        except CallUnanswered as failure:
            raise ModelAway(f"the model service gave no answer: {failure}") from failure

    async def close(self) -> None:
        await self._http.close()

    async def _attempt(self, version: str, features: FeatureValues) -> ModelScore:
        """Once, and counted."""
        result = "cancelled"
        try:
            with self._breaker.guard():
                answer = await self._http.call(
                    "POST", infer_path(version), body=infer_request(features), headers=self._headers
                )
                score = read_score(answer.body, version, features) if answer.status == _OK else None
            result = "refused" if score is None else "ok"
        except Exception as failure:
            result = next((name for kind, name in _RESULTS if isinstance(failure, kind)), "failed")
            raise
        finally:
            self._metrics.model_calls.labels(version, result).inc()
        if score is None:
            raise _refused(version, answer)
        return score


_RESULTS: tuple[tuple[type[Exception], str], ...] = (
    (BreakerOpen, "rejected_by_breaker"),
    (CallNotSent, "not_sent"),
    (CallUnanswered, "unanswered"),
    (BadModelAnswer, "bad_answer"),
)


def _may_pass(failure: Exception) -> bool:
    """Transport, time-outs and 5xx may; an answer that is not JSON, or cannot be, would come again."""
    is_not_json = isinstance(failure.__cause__, orjson.JSONDecodeError)
    return isinstance(failure, CallNotSent | CallUnanswered) and not is_not_json


def _refused(version: str, answer: Answer) -> ModelAway:
    """A version that is not loaded, or features that are refused: the service is well, so its breaker stays shut."""
    sentence = str(answer.body.get("error", "")) or "no reason given"
    return ModelAway(f"the model service refused to score with {version} ({answer.status}): {sentence}")
