"""When a challenger has drifted away from the champion, and when it only had bad luck."""

import pytest

from fundline.services.risk_worker.drift import Limits, Tally, find_drift, rate, two_sided_p, z_beyond

LIMITS = Limits(least_decisions=20, error_margin=0.05, approval_margin=0.15, z=3.5)


def tally(version: str, decisions: int, *, errors: int = 0, approved: int = 0) -> Tally:
    return Tally(version, decisions, errors, approved)


def drift(champion: Tally, challenger: Tally):
    return find_drift(champion, challenger, LIMITS)


def test_the_same_rates_are_no_drift():
    assert drift(tally("a-1", 900, approved=600), tally("b-1", 100, approved=66)) is None


def test_a_challenger_that_fails_is_found_and_the_sentence_says_how_often():
    found = drift(tally("a-1", 180, approved=120), tally("b-1", 20, errors=12, approved=6))
    assert found is not None
    assert found.cause == "error-rate"
    assert found.sentence == "b-1 failed in 60.0% of 20 decisions, a-1 in 0.0% of 180."
    assert found.z >= LIMITS.z


def test_a_challenger_that_fails_less_often_than_the_champion_is_left_alone():
    assert drift(tally("a-1", 200, errors=150, approved=30), tally("b-1", 200, approved=120)) is None


@pytest.mark.parametrize(("approved", "other"), [(190, 60), (10, 130)], ids=["more", "less"])
def test_approving_far_more_or_far_less_is_drift(approved, other):
    found = drift(tally("a-1", 200, approved=other), tally("b-1", 200, approved=approved))
    assert found is not None
    assert found.cause == "approval-rate"
    assert "b-1 approved" in found.sentence


def test_a_difference_within_the_margin_is_no_drift_however_many_decisions_show_it():
    assert drift(tally("a-1", 100_000, approved=60_000), tally("b-1", 100_000, approved=70_000)) is None


def test_a_few_decisions_prove_nothing():
    assert drift(tally("a-1", 500, approved=300), tally("b-1", 19, errors=19)) is None
    assert drift(tally("a-1", 19, approved=19), tally("b-1", 500, approved=0)) is None


def test_failures_say_nothing_about_the_approval_rate():
    """When the service is away for both, every decision is a referral; that is no drift of the challenger."""
    assert drift(tally("a-1", 100, errors=90, approved=9), tally("b-1", 100, errors=90, approved=2)) is None


def test_nothing_of_nothing_is_no_rate():
    assert rate(0, 0) is None
    assert rate(1, 3) == 0.3333


def test_z_is_finite_at_rates_of_nothing_and_of_all():
    assert z_beyond((0, 20), (0, 20)) == 0
    assert 3.5 < z_beyond((20, 20), (0, 20)) < 20


def test_a_deviation_of_about_two_standard_errors_comes_once_in_twenty_times():
    assert two_sided_p(1.96) == pytest.approx(0.05, abs=1e-4)
    assert two_sided_p(-1.96) == two_sided_p(1.96)
