"""The state machine of a payment. One approval has one payment, and it ends settled or failed, never both.

A settled one may come back: the payee's bank returns it, or a person does.

`unknown` is a state of its own: a bank that did not answer has not said no. It is left only by what the bank says
when asked for the payment under its own id.
"""

from enum import StrEnum


class PaymentState(StrEnum):
    EXPECTED = "expected"
    """Approved, nobody has asked for the payment yet."""
    REQUESTED = "requested"
    """Asked for and not sent: it waits for a second person, for payments to be resumed, or for the bank."""
    SUBMITTED = "submitted"
    """Its payment id and its order are stored; from here on the bank may have it."""
    UNKNOWN = "unknown"
    """Sent, and the bank did not say what became of it."""
    SETTLED = "settled"
    FAILED = "failed"
    RETURNED = "returned"
    """It was settled, and the money came back."""


_S = PaymentState
TRANSITIONS: dict[PaymentState, frozenset[PaymentState]] = {
    _S.EXPECTED: frozenset({_S.REQUESTED}),
    _S.REQUESTED: frozenset({_S.SUBMITTED, _S.FAILED}),  # or a person has refused its release
    _S.SUBMITTED: frozenset({_S.SETTLED, _S.FAILED, _S.UNKNOWN}),
    _S.UNKNOWN: frozenset({_S.SETTLED, _S.FAILED}),
    _S.SETTLED: frozenset({_S.RETURNED}),
    _S.FAILED: frozenset(),
    _S.RETURNED: frozenset(),
}
FINISHED: frozenset[PaymentState] = frozenset({_S.SETTLED, _S.FAILED, _S.RETURNED})
"""It has its result. Only a settled one can still become something else."""
PAID: frozenset[PaymentState] = frozenset({_S.SETTLED, _S.RETURNED})
"""The bank has debited us: its statement has the payment."""
WITH_THE_BANK: frozenset[PaymentState] = frozenset({_S.SUBMITTED, _S.UNKNOWN})
"""The bank may have seen the payment: it is looked up before it is sent again, under the same id."""


ACCOUNT_FAILURES: frozenset[str] = frozenset({"account_closed", "account_not_found"})
"""Codes of payments that failed because of the account alone: with another one they may succeed."""


class IllegalPaymentTransition(ValueError):
    """A payment may not go from its present state to the one asked for."""

    def __init__(self, current: PaymentState, asked: PaymentState) -> None:
        self.current, self.asked = current, asked
        allowed = ", ".join(sorted(TRANSITIONS[current])) or "nothing: it is final"
        super().__init__(f"A payment that is {current} cannot become {asked}; it may become {allowed}.")


def change_state(current: PaymentState, asked: PaymentState) -> PaymentState:
    """The state asked for, or IllegalPaymentTransition. No state may follow itself."""
    if asked not in TRANSITIONS[current]:
        raise IllegalPaymentTransition(current, asked)
    return asked
