"""Whether payments may be sent now: the kill switch, and the circuit breaker of the bank.

Invariant: both can only hold payments back. What is with the bank already is looked up all the same.
"""

from enum import StrEnum

from fundline.platform.flags import Flags
from fundline.platform.resilience import BreakerState, CircuitBreaker
from fundline.platform.telemetry.logs import get_log
from fundline.platform.telemetry.metrics import Metrics
from fundline.records.payments_flag import HALTED, ON, PAYMENTS_FLAG
from fundline.services.disbursement_worker.metrics import PaymentMetrics


class Hold(StrEnum):
    """Why a payment that was asked for is not sent now."""

    RELEASE = "release"
    """A second person has to let it go."""
    FUNDS = "funds"
    """It is beyond what its lender has committed."""
    HALTED = "halted"
    BANK_AWAY = "bank_away"


class KillSwitch:
    """The flag `payments`: `on`, or anything else for a halt. Unreadable, it stays as it was last; at first: halted.

    A process that starts and cannot know whether somebody has halted the payments does not pay.
    """

    def __init__(self, flags: Flags, metrics: Metrics) -> None:
        self._flags, self._halted = flags, metrics.of(PaymentMetrics).payments_halted
        self._last = HALTED
        self._told = ""
        self._log = get_log()

    @property
    def is_halted(self) -> bool:
        """In memory; never raises."""
        flag = self._flags.string(PAYMENTS_FLAG, self._last, targeting_key=PAYMENTS_FLAG)
        self._last = ON if flag.value == ON else HALTED
        self._halted.set(int(self._last == HALTED))
        if self._last != self._told:
            self._told = self._last
            log = self._log.info if self._last == ON else self._log.error
            log(f"payments.{self._last}", flag=flag.value, reason=flag.reason)
        return self._last == HALTED


class Gate:
    def __init__(self, switch: KillSwitch, breaker: CircuitBreaker) -> None:
        self._switch, self._breaker = switch, breaker

    def hold(self) -> Hold | None:
        """None: payments may be sent."""
        if self.is_halted:
            return Hold.HALTED
        return Hold.BANK_AWAY if self.bank_is_away else None

    @property
    def is_halted(self) -> bool:
        return self._switch.is_halted

    @property
    def bank_is_away(self) -> bool:
        """And nobody has found out yet that it is back."""
        return self._breaker.state is not BreakerState.CLOSED

    @property
    def may_probe(self) -> bool:
        """The bank was away, and one call may find out whether it is back."""
        return self.bank_is_away and not self._breaker.is_open
