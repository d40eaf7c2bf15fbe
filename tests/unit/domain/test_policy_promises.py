"""What the policy promises for every applicant, score and simulation one can think of."""

from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from fundline.domain.decision import NEGLIGIBLE_LOG_ODDS, Decision
from fundline.domain.facts import ApplicantFacts
from fundline.domain.reasons import REASON_BY_FEATURE
from fundline.domain.scoring import CashFlowStress, ModelScore
from support.applicant_facts import (
    CALM,
    GOOD_SCORE,
    businesses,
    decide_alone,
    scores,
    sound_business,
    stresses,
)

SEVERITY = {"approved": 0, "pending_review": 1, "rejected": 2}
DECIDING = {"approved": "", "pending_review": "refer", "rejected": "reject"}
SOUND = sound_business()
causes = st.none() | st.just("the model service did not answer")


def codes(decision: Decision) -> list[str]:
    return [reason.code for reason in decision.principal_reasons]


def verdicts(decision: Decision) -> dict[str, str]:
    return {outcome.rule: outcome.verdict for outcome in decision.rule_outcomes}


@given(businesses(), st.none() | scores(), st.none() | stresses(), causes)
def test_every_rejection_and_referral_has_one_to_four_reasons_and_an_approval_none(
    facts, score, stress, cause
):
    decision = decide_alone(facts, score=score, stress=stress, fallback_because=cause)
    assert len(set(codes(decision))) == len(codes(decision))
    assert (decision.status == "approved") == (codes(decision) == [])
    assert len(codes(decision)) <= 4


@given(businesses(), st.none() | scores(), st.none() | stresses(), causes, causes)
def test_nothing_missing_and_no_fallback_is_ever_approved(facts, score, stress, fallback, no_score):
    decision = decide_alone(
        facts, score=score, stress=stress, fallback_because=fallback, no_score_because=no_score
    )
    gaps = [o for o in decision.rule_outcomes if o.rule == "complete_facts" and o.verdict == "refer"]
    if gaps:
        assert decision.status == "pending_review"
        assert codes(decision)[: len(gaps)] == [gap.reason for gap in gaps][:4]
    if score is None or stress is None or fallback is not None:
        assert decision.status != "approved"


@given(
    st.builds(sound_business, amount=st.sampled_from([Decimal(5000), Decimal(50_000)])), scores(), stresses()
)
def test_only_when_every_rule_passes_is_an_application_approved(facts, score, stress):
    decision = decide_alone(facts, score=score, stress=stress)
    assert (decision.status == "approved") == (set(verdicts(decision).values()) == {"pass"})


@given(businesses(), st.none() | scores(), st.none() | stresses(), causes)
def test_the_same_arguments_always_give_the_same_decision(facts, score, stress, cause):
    once = decide_alone(facts, score=score, stress=stress, fallback_because=cause)
    assert decide_alone(facts, score=score, stress=stress, fallback_because=cause) == once


@given(businesses(), st.none() | scores(), st.none() | stresses(), causes)
def test_reasons_come_from_rules_that_made_the_decision_and_from_the_model_only_when_it_took_part(
    facts, score, stress, cause
):
    decision = decide_alone(facts, score=score, stress=stress, fallback_because=cause)
    fired = {o.rule: o.reason for o in decision.rule_outcomes if o.verdict == DECIDING[decision.status]}
    allowed = set(fired.values()) | {o.reason for o in decision.rule_outcomes if o.rule == "complete_facts"}
    if score is not None and fired.keys() & {"probability_of_default", "risk_combined"}:
        hurt = [c for c in score.contributions if c.log_odds > NEGLIGIBLE_LOG_ODDS]
        allowed |= {REASON_BY_FEATURE[c.feature] for c in hurt} | {"probability_of_default_high"}
    assert set(codes(decision)) <= allowed


@given(businesses(), scores(), stresses(), st.decimals(0, 1, places=4), causes)
def test_a_higher_probability_never_softens_the_decision(facts, score, stress, other, cause):
    low, high = sorted((score.probability, other))
    lower, higher = (
        decide_alone(facts, score=replace(score, probability=p), stress=stress, fallback_because=cause)
        for p in (low, high)
    )
    assert lower.risk_score <= higher.risk_score
    assert SEVERITY[lower.status] <= SEVERITY[higher.status]


@given(businesses(), scores(), stresses(), st.decimals(0, 1, places=4), causes)
def test_more_failing_futures_never_soften_the_decision(facts, score, stress, other, cause):
    low, high = sorted((stress.shortfall_probability, other))
    lower, higher = (
        decide_alone(
            facts, score=score, stress=replace(stress, shortfall_probability=s), fallback_because=cause
        )
        for s in (low, high)
    )
    assert SEVERITY[lower.status] <= SEVERITY[higher.status]


@given(businesses(complete=True), st.decimals(min_value="0", max_value="1000000", places=2))
def test_more_debt_never_softens_the_decision(facts: ApplicantFacts, more: Decimal):
    deeper = replace(facts, monthly_debt_service=facts.monthly_debt_service + more)
    before, after = (decide_alone(f, score=GOOD_SCORE, stress=CALM) for f in (facts, deeper))
    assert SEVERITY[after.status] >= SEVERITY[before.status]


@given(scores(), stresses())
def test_a_model_alone_never_rejects_and_a_simulation_alone_never_does(
    score: ModelScore, stress: CashFlowStress
):
    assert decide_alone(SOUND, score=score, stress=CALM).status != "rejected"
    assert decide_alone(SOUND, score=GOOD_SCORE, stress=stress).status != "rejected"


@given(scores(), stresses())
def test_a_fallback_rejects_nobody_whose_figures_are_sound(score, stress):
    decision = decide_alone(SOUND, score=score, stress=stress, fallback_because="timeout")
    assert decision.status == "pending_review"
    assert codes(decision)[0] == "model_unavailable"
