"""The payout's state machine. One approval has one disbursement, and it ends settled or failed, never both.

`unknown` is a state of its own: a bank that did not answer has not said no. It is left only by what the bank says
when asked for the payment under its own id.
"""

from enum import StrEnum


class DisbursementState(StrEnum):
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


_S = DisbursementState
TRANSITIONS: dict[DisbursementState, frozenset[DisbursementState]] = {
    _S.EXPECTED: frozenset({_S.REQUESTED}),
    _S.REQUESTED: frozenset({_S.SUBMITTED, _S.FAILED}),  # or a person has refused its release
    _S.SUBMITTED: frozenset({_S.SETTLED, _S.FAILED, _S.UNKNOWN}),
    _S.UNKNOWN: frozenset({_S.SETTLED, _S.FAILED}),
    _S.SETTLED: frozenset(),
    _S.FAILED: frozenset(),
}
FINISHED: frozenset[DisbursementState] = frozenset({_S.SETTLED, _S.FAILED})
WITH_THE_BANK: frozenset[DisbursementState] = frozenset({_S.SUBMITTED, _S.UNKNOWN})
"""The bank may have seen the payment: it is looked up before it is sent again, under the same id."""


class IllegalDisbursementTransition(ValueError):
    """A disbursement may not go from its present state to the one asked for."""

    def __init__(self, current: DisbursementState, asked: DisbursementState) -> None:
        self.current, self.asked = current, asked
        allowed = ", ".join(sorted(TRANSITIONS[current])) or "nothing: it is final"
        super().__init__(f"A disbursement that is {current} cannot become {asked}; it may become {allowed}.")


def change_state(current: DisbursementState, asked: DisbursementState) -> DisbursementState:
    """The state asked for, or IllegalDisbursementTransition. No state may follow itself."""
    if asked not in TRANSITIONS[current]:
        raise IllegalDisbursementTransition(current, asked)
    return asked
