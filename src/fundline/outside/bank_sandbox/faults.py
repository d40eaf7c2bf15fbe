"""Fault rules: which calls meet which fault, by match, by chance with a seed, and for a number of times.

Rules live in memory: a bank that is started again behaves. What a rule decided about an order (its decline, when it
settles, how often the customer is told) is on disk with the order.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, model_validator

from fundline.domain.money import Money
from fundline.outside.bank_sandbox.schemas import Body
from fundline.platform.refusals import Kind, Refusal

MOST_RULES = 100
Operation = Literal["pay", "find", "statement"]


class FaultKind(StrEnum):
    SLOW = "slow"
    """Waits before it acts."""
    OUTAGE = "outage"
    """Every connection is reset before the bank acts, look-ups and the statement too."""
    RATE_LIMIT = "rate-limit"
    """429: nothing was booked."""
    CLOSED = "closed"
    """503 that says that nothing was booked."""
    TIMEOUT_BEFORE = "timeout-before"
    """Never answers, and has not acted."""
    RESET_BEFORE = "reset-before"
    ERROR_BEFORE = "error-before"
    DECLINE = "decline"
    SETTLE_LATER = "settle-later"
    """Accepted now, with its outcome after a delay."""
    RETURN_LATER = "return-later"
    """Settled, and the money comes back after a delay."""
    DUPLICATE_WEBHOOK = "duplicate-webhook"
    TIMEOUT_AFTER = "timeout-after"
    """Acts, commits, and never answers."""
    RESET_AFTER = "reset-after"
    """Acts, commits, and resets the connection."""
    ERROR_AFTER = "error-after"
    """Acts, commits, and answers with a status of 500 or more."""
    NONSENSE = "nonsense"
    """Acts, commits, and answers what no contract knows."""
    OTHER_AMOUNT = "other-amount"
    """Acts, commits, and states another amount in its answer."""
    FORGET = "forget"
    """Asked for a payment that it has, it says that it has never seen it."""


class Stage(StrEnum):
    ARRIVAL = "arrival"
    DECISION = "decision"
    ANSWER = "answer"
    WORDS = "words"


_K = FaultKind
_DECISIONS = frozenset({_K.DECLINE, _K.SETTLE_LATER, _K.RETURN_LATER, _K.DUPLICATE_WEBHOOK})
_ANSWERS = frozenset({_K.TIMEOUT_AFTER, _K.RESET_AFTER, _K.ERROR_AFTER, _K.NONSENSE})
_WORDS = frozenset({_K.OTHER_AMOUNT, _K.FORGET})
_DELAYED = frozenset({_K.SLOW, _K.SETTLE_LATER, _K.RETURN_LATER})
_ERRORS = frozenset({_K.ERROR_BEFORE, _K.ERROR_AFTER})
DEFAULT_ERROR_STATUS = 500


def stage_of(kind: FaultKind) -> Stage:
    if kind in _DECISIONS:
        return Stage.DECISION
    if kind in _WORDS:
        return Stage.WORDS
    return Stage.ANSWER if kind in _ANSWERS else Stage.ARRIVAL


@dataclass(frozen=True, slots=True)
class Call:
    """What a rule may look at. A look-up has its payment id only, a statement nothing; what is said has all."""

    operation: Operation
    payment_id: str | None = None
    payee_ending: str | None = None
    amount: Money | None = None
    reference: str | None = None


class FaultMatch(Body):
    """Everything that is given must fit; nothing given fits every call of the operation."""

    payee_ending: Annotated[str, Field(min_length=1, max_length=4)] | None = None
    amount: Annotated[str, Field(max_length=24)] | None = None
    """As on the wire, with all decimals of the currency."""
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None
    reference: Annotated[str, Field(max_length=140)] | None = None
    payment_id: Annotated[str, Field(max_length=36)] | None = None

    def fits(self, call: Call) -> bool:
        ending, amount = call.payee_ending, call.amount
        return (
            (self.payee_ending is None or (ending is not None and ending.endswith(self.payee_ending)))
            and (self.amount is None or (amount is not None and amount.text() == self.amount))
            and (self.currency is None or (amount is not None and amount.currency == self.currency))
            and (self.reference is None or call.reference == self.reference)
            and (self.payment_id is None or call.payment_id == self.payment_id.lower())
        )


class FaultRule(Body):
    """POST /admin/faults."""

    kind: Annotated[FaultKind, Field(strict=False)]
    operation: Operation = "pay"
    match: FaultMatch = FaultMatch()
    probability: Annotated[float, Field(gt=0, le=1)] = 1.0
    seed: Annotated[int, Field(ge=0)] = 0
    """The same seed and the same order of matching calls meet the same faults."""
    times: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """How often at most; without it until it is cleared."""
    delay_ms: Annotated[int, Field(ge=0, le=600_000)] | None = None
    """Of `slow`, `settle-later` and `return-later`, which need it."""
    status: Annotated[int, Field(ge=500, le=599)] | None = None
    """Of `error-before` and `error-after`; 500 without it."""
    code: Annotated[str, Field(pattern=r"^[a-z0-9_]{1,35}$")] | None = None
    """Of `decline` and `return-later`, which need it."""
    stated_amount: Annotated[str, Field(max_length=24)] | None = None
    """Of `other-amount`, which needs it and its currency."""
    stated_currency: Annotated[str, Field(max_length=3)] | None = None

    @model_validator(mode="after")
    def _whole(self) -> "FaultRule":
        for name, value, kinds, needed in (
            ("delayMs", self.delay_ms, _DELAYED, True),
            ("code", self.code, frozenset({_K.DECLINE, _K.RETURN_LATER}), True),
            ("status", self.status, _ERRORS, False),
            ("statedAmount", self.stated_amount, frozenset({_K.OTHER_AMOUNT}), True),
            ("statedCurrency", self.stated_currency, frozenset({_K.OTHER_AMOUNT}), True),
        ):
            if value is not None and self.kind not in kinds:
                raise ValueError(f"{name} does not belong to a fault of the kind {self.kind}.")
            if value is None and needed and self.kind in kinds:
                raise ValueError(f"A fault of the kind {self.kind} needs {name}.")
        if stage_of(self.kind) is Stage.DECISION and self.operation != "pay":
            raise ValueError(f"Only the operation pay can meet a fault of the kind {self.kind}.")
        if self.kind is _K.FORGET and self.operation != "find":
            raise ValueError(f"Only the operation find can meet a fault of the kind {self.kind}.")
        self.states()
        return self

    def states(self) -> Money | None:
        """The amount that is stated instead of the true one. Raises MoneyError, which is a ValueError."""
        if self.stated_amount is None or self.stated_currency is None:
            return None
        return Money.parse(self.stated_amount, self.stated_currency)

    def concerns(self, call: Call) -> bool:
        return (self.kind is _K.OUTAGE or self.operation == call.operation) and self.match.fits(call)


class FaultUnknown(Refusal):
    kind = Kind.NOT_FOUND
    code = "fault-unknown"
    title = "No fault has this number"


class TooManyFaults(Refusal):
    kind = Kind.CONFLICT
    code = "too-many-faults"
    title = "The bank has as many fault rules as it can"


class StandingFault:
    """A rule with its dice and its count."""

    def __init__(self, number: int, rule: FaultRule) -> None:
        self.number, self.rule, self.hits = number, rule, 0
        self._dice = random.Random(rule.seed)  # noqa: S311 - faults that can be repeated, no secret

    def strikes(self, call: Call) -> bool:
        """Rolls the dice of every matching call, and counts a hit."""
        rule = self.rule
        if not rule.concerns(call) or (rule.times is not None and self.hits >= rule.times):
            return False
        if self._dice.random() >= rule.probability:
            return False
        self.hits += 1
        return True


class FaultBook:
    def __init__(self) -> None:
        self._standing: dict[int, StandingFault] = {}
        self._next = 1

    def add(self, rule: FaultRule) -> StandingFault:
        """Raises TooManyFaults."""
        if len(self._standing) >= MOST_RULES:
            raise TooManyFaults(f"Clear some: there are {MOST_RULES} rules.")
        made = self._standing[self._next] = StandingFault(self._next, rule)
        self._next += 1
        return made

    def all(self) -> list[StandingFault]:
        return list(self._standing.values())

    def remove(self, number: int) -> None:
        """Raises FaultUnknown."""
        if self._standing.pop(number, None) is None:
            raise FaultUnknown("It was cleared before, or never added; list the faults.")

    def clear(self) -> int:
        """How many there were."""
        count = len(self._standing)
        self._standing.clear()
        return count

    def strike(self, stage: Stage, call: Call) -> Iterator[FaultRule]:
        """The rules of this stage that strike, in the order in which they were added; drawn one by one."""
        for fault in self.all():
            if stage_of(fault.rule.kind) is stage and fault.strikes(call):
                yield fault.rule
