import pytest

from fundline.domain.payment import (
    FINISHED,
    TRANSITIONS,
    WITH_THE_BANK,
    IllegalPaymentTransition,
    PaymentState,
    change_state,
)

S = PaymentState
LEGAL = {
    (S.EXPECTED, S.REQUESTED),
    (S.REQUESTED, S.SUBMITTED),
    (S.REQUESTED, S.FAILED),
    (S.SUBMITTED, S.SETTLED),
    (S.SUBMITTED, S.FAILED),
    (S.SUBMITTED, S.UNKNOWN),
    (S.UNKNOWN, S.SETTLED),
    (S.UNKNOWN, S.FAILED),
    (S.SETTLED, S.RETURNED),
}
ILLEGAL = sorted((a, b) for a in S for b in S if (a, b) not in LEGAL)


@pytest.mark.parametrize(("current", "asked"), sorted(LEGAL))
def test_a_legal_transition_gives_the_state_asked_for(current, asked):
    assert change_state(current, asked) is asked


@pytest.mark.parametrize(("current", "asked"), ILLEGAL)
def test_an_illegal_transition_raises_and_names_both_states(current, asked):
    with pytest.raises(IllegalPaymentTransition, match=f"{current} cannot become {asked}") as refused:
        change_state(current, asked)
    assert (refused.value.current, refused.value.asked) == (current, asked)


@pytest.mark.parametrize(
    ("current", "allowed"),
    [
        (S.SUBMITTED, "failed, settled, unknown"),
        (S.SETTLED, "returned"),
        (S.RETURNED, "nothing: it is final"),
    ],
)
def test_a_refused_transition_says_what_is_allowed_instead(current, allowed):
    with pytest.raises(IllegalPaymentTransition, match=f"; it may become {allowed}.$"):
        change_state(current, S.EXPECTED)


def test_every_state_has_its_row_in_the_table():
    assert set(TRANSITIONS) == set(S)


def test_finished_states_are_exactly_those_that_only_a_return_can_follow():
    assert {state for state, following in TRANSITIONS.items() if following <= {S.RETURNED}} == FINISHED


def test_unknown_is_never_left_for_a_second_submission():
    assert S.SUBMITTED not in TRANSITIONS[S.UNKNOWN]


def test_a_payment_the_bank_may_have_seen_can_only_be_resolved_by_the_bank():
    for state in WITH_THE_BANK:
        assert TRANSITIONS[state] - {S.UNKNOWN} == FINISHED - {S.RETURNED}
