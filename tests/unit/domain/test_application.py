import itertools
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundline.domain.application import (
    TERMINAL,
    TRANSITIONS,
    ApplicationStatus,
    IllegalTransition,
    StatusChange,
    change_status,
    submitted,
)

AT = datetime(2026, 11, 23, tzinfo=UTC)
S = ApplicationStatus
LEGAL = [
    (S.PROCESSING, S.RISK_SCORING),
    (S.RISK_SCORING, S.APPROVED),
    (S.RISK_SCORING, S.REJECTED),
    (S.RISK_SCORING, S.PENDING_REVIEW),
    (S.PENDING_REVIEW, S.APPROVED),
    (S.PENDING_REVIEW, S.REJECTED),
    (S.PENDING_REVIEW, S.RISK_SCORING),
    (S.APPROVED, S.DISBURSED),
    (S.APPROVED, S.FAILED),
    (S.DISBURSED, S.RETURNED),
    (S.FAILED, S.ACCOUNT_NEEDED),
    (S.ACCOUNT_NEEDED, S.APPROVED),
]


@pytest.mark.parametrize(("current", "asked"), list(itertools.product(S, S)))
def test_exactly_the_drawn_transitions_are_allowed(current, asked):
    if (current, asked) in LEGAL:
        assert change_status(current, 4, asked, at=AT, actor="test").sequence == 5
    else:
        with pytest.raises(IllegalTransition, match="cannot become"):
            change_status(current, 4, asked, at=AT, actor="test")


@given(st.lists(st.sampled_from(list(S)), max_size=20))
def test_whatever_is_asked_sequences_rise_by_one_and_a_final_status_stays(asked):
    change = submitted(at=AT, actor="test")
    seen = [change.sequence]
    for status in asked:
        before = change
        try:
            change = change_status(change.status, change.sequence, status, at=AT, actor="test")
            seen.append(change.sequence)
        except IllegalTransition:
            assert change is before
        if not TRANSITIONS[before.status]:
            assert change is before
    assert seen == list(range(1, len(seen) + 1))


def test_every_status_can_be_reached_and_every_way_ends():
    reached, open_ends = {S.PROCESSING}, [S.PROCESSING]
    while open_ends:
        for following in TRANSITIONS[open_ends.pop()] - reached:
            reached.add(following)
            open_ends.append(following)
    assert reached == set(S)
    assert {S.REJECTED, S.DISBURSED, S.FAILED, S.RETURNED, S.ACCOUNT_NEEDED} == TERMINAL


def test_a_refused_transition_says_what_is_allowed():
    with pytest.raises(IllegalTransition, match=r"it may become returned\.$") as refused:
        change_status(S.DISBURSED, 4, S.FAILED, at=AT, actor="test")
    assert (refused.value.current, refused.value.asked) == (S.DISBURSED, S.FAILED)
    with pytest.raises(IllegalTransition, match=r"it may become approved, pending_review, rejected\.$"):
        change_status(S.RISK_SCORING, 2, S.FAILED, at=AT, actor="test")


def test_a_change_says_what_when_by_whom_and_why():
    assert submitted(at=AT, actor="alice") == StatusChange(S.PROCESSING, 1, AT, "alice", {})
    why = {"reason": "a person looked"}
    moved = change_status(S.PENDING_REVIEW, 3, S.APPROVED, at=AT, actor="uma", metadata=why)
    assert moved == StatusChange(S.APPROVED, 4, AT, "uma", why)
    assert moved.metadata is not why, "what the caller does with it afterwards is not history"
    assert change_status(S.PROCESSING, 1, S.RISK_SCORING, at=AT, actor="x").metadata == {}
