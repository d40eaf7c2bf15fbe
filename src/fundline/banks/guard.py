"""The one guard before a bank: a circuit breaker, and every call counted by operation and result."""

import random
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import UUID

from fundline.banks.bank import (
    Bank,
    BankAnswer,
    BankAnswerUnexpected,
    BankBusy,
    OrderInvalid,
    PaymentOrder,
)
from fundline.banks.metrics import BankMetrics
from fundline.banks.statement import StatementPage
from fundline.platform.http.client import CallNotSent, CallUnanswered
from fundline.platform.resilience import BreakerOpen, CircuitBreaker
from fundline.platform.resilience.metrics import ResilienceMetrics
from fundline.platform.telemetry.metrics import Metrics

_Answer = TypeVar("_Answer", bound=BankAnswer | StatementPage | None)
_REFUSALS: tuple[tuple[type[Exception], str], ...] = (
    (BreakerOpen, "rejected_by_breaker"),
    (CallNotSent, "not_sent"),
    (CallUnanswered, "unanswered"),
    (BankBusy, "busy"),
    (BankAnswerUnexpected, "unexpected"),
    (OrderInvalid, "invalid"),
)


class GuardedBank:
    """Raises BreakerOpen without a call, else what the adapter raises.

    Every operation counts alike for the breaker: it is one bank. After an outage the next call tries it, every
    `open_for_s` and never less often: the sweep's is a look-up, which is harmless, and payments begin again as soon as
    the bank is back.
    """

    def __init__(
        self,
        name: str,
        bank: Bank,
        metrics: Metrics,
        *,
        open_for_s: float = 1.0,
        probe_lasts_s: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
        dice: Callable[[], float] = random.random,
    ) -> None:
        self._bank, self._calls = bank, metrics.of(BankMetrics).bank_calls
        level = metrics.of(ResilienceMetrics).breaker_state.labels(name)
        self.breaker = CircuitBreaker(
            name,
            failures=(CallNotSent, CallUnanswered),
            open_for_s=open_for_s,
            longest_open_s=open_for_s,
            probe_lasts_s=probe_lasts_s,
            clock=clock,
            dice=dice,
            on_change=lambda now: level.set(now.level),
        )

    @property
    def statement_name(self) -> str:
        return self._bank.statement_name

    async def pay(self, order: PaymentOrder) -> BankAnswer:
        return await self._guarded("pay", lambda: self._bank.pay(order))

    async def find(self, payment_id: UUID) -> BankAnswer | None:
        return await self._guarded("find", lambda: self._bank.find(payment_id))

    async def statement(self, cursor: str, limit: int) -> StatementPage:
        return await self._guarded("statement", lambda: self._bank.statement(cursor, limit))

    async def close(self) -> None:
        await self._bank.close()

    async def _guarded(self, operation: str, call: Callable[[], Awaitable[_Answer]]) -> _Answer:
        result = "failed"
        try:
            with self.breaker.guard():
                answer = await call()
            result = _result_of(answer)
        except Exception as refusal:
            result = next((name for kind, name in _REFUSALS if isinstance(refusal, kind)), "failed")
            raise
        finally:
            self._calls.labels(operation, result).inc()
        return answer


def _result_of(answer: BankAnswer | StatementPage | None) -> str:
    if isinstance(answer, StatementPage):
        return "read"
    return "not_found" if answer is None else type(answer).__name__.lower()
