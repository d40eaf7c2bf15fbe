"""Calling what may be away: a circuit breaker, and retries within a budget. Time and dice are passed in."""

from fundline.platform.resilience.breaker import BreakerOpen, BreakerState, CircuitBreaker
from fundline.platform.resilience.retries import RetryBudget, RetryPolicy, call_with_retries

__all__ = [
    "BreakerOpen",
    "BreakerState",
    "CircuitBreaker",
    "RetryBudget",
    "RetryPolicy",
    "call_with_retries",
]
