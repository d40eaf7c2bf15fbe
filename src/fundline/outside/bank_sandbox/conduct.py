"""How the bank behaves around what it does: when it waits, what it decides, and how it fails to answer."""

import asyncio
from dataclasses import dataclass, replace
from typing import Protocol

from fundline.outside.bank_sandbox.faults import (
    DEFAULT_ERROR_STATUS,
    Call,
    FaultBook,
    FaultKind,
    FaultRule,
    Stage,
)
from fundline.outside.bank_sandbox.store import Payment
from fundline.platform.refusals import Kind, Refusal


class BankBusy(Refusal):
    kind = Kind.TOO_MANY
    code = "bank-busy"
    title = "The bank works on as many orders as it can"


class BankClosed(Refusal):
    kind = Kind.UNAVAILABLE
    code = "bank-busy"
    title = "The bank works on no orders now, and nothing was booked"


class Misbehaviour(Exception):
    """The bank does not answer as it should; the door decides how that looks on its wire."""


class Silence(Misbehaviour):
    """No answer, ever."""


class Reset(Misbehaviour):
    """The connection is cut."""


class Nonsense(Misbehaviour):
    """An answer that no contract knows."""


class Failure(Misbehaviour):
    def __init__(self, status: int) -> None:
        super().__init__(f"status {status}")
        self.status = status


@dataclass(frozen=True, slots=True)
class Decision:
    """About a new order, over what the rules of the bank say. None: as always."""

    decline_code: str | None = None
    settle_after_ms: int | None = None
    is_told_twice: bool = False
    return_after_ms: int | None = None
    return_code: str | None = None


class Conduct(Protocol):
    """All but `as_answered` may raise Misbehaviour; the first may wait, and refuse with BankBusy or BankClosed."""

    async def on_arrival(self, call: Call) -> None: ...

    def decide(self, call: Call) -> Decision: ...

    async def before_answering(self, call: Call) -> None: ...

    def as_answered(self, call: Call, payment: Payment) -> Payment | None:
        """The payment as the answer has it. None: the bank says that it has never seen it."""


class ByTheRules:
    """Works on each order for a fixed time, and meets the faults of the book."""

    def __init__(self, delay_s: float, faults: FaultBook) -> None:
        self._delay_s, self._faults = delay_s, faults

    async def on_arrival(self, call: Call) -> None:
        if call.operation == "pay" and self._delay_s:
            await asyncio.sleep(self._delay_s)
        for rule in self._faults.strike(Stage.ARRIVAL, call):
            if rule.kind is FaultKind.SLOW:
                await asyncio.sleep((rule.delay_ms or 0) / 1000)
            else:
                raise _misfortune(rule)

    def decide(self, call: Call) -> Decision:
        rules = list(self._faults.strike(Stage.DECISION, call))
        back = next((rule for rule in rules if rule.kind is FaultKind.RETURN_LATER), None)
        return Decision(
            next((rule.code for rule in rules if rule.kind is FaultKind.DECLINE), None),
            next((rule.delay_ms for rule in rules if rule.kind is FaultKind.SETTLE_LATER), None),
            any(rule.kind is FaultKind.DUPLICATE_WEBHOOK for rule in rules),
            None if back is None else back.delay_ms,
            None if back is None else back.code,
        )

    async def before_answering(self, call: Call) -> None:
        for rule in self._faults.strike(Stage.ANSWER, call):
            raise _misfortune(rule)

    def as_answered(self, call: Call, payment: Payment) -> Payment | None:
        told = payment
        for rule in self._faults.strike(Stage.WORDS, call):
            stated = rule.states()
            if stated is None:
                return None
            told = replace(told, amount_minor=stated.amount_minor, currency=stated.currency)
        return told


def _misfortune(rule: FaultRule) -> Misbehaviour | Refusal:
    kind = rule.kind
    if kind is FaultKind.RATE_LIMIT:
        return BankBusy("Nothing was booked; send the order again in a second.", retry_after_s=1)
    if kind is FaultKind.CLOSED:
        return BankClosed("Nothing was booked; send the order again later.", retry_after_s=5)
    if kind in {FaultKind.TIMEOUT_BEFORE, FaultKind.TIMEOUT_AFTER}:
        return Silence()
    if kind in {FaultKind.ERROR_BEFORE, FaultKind.ERROR_AFTER}:
        return Failure(rule.status or DEFAULT_ERROR_STATUS)
    return Nonsense() if kind is FaultKind.NONSENSE else Reset()
