from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundline.domain.policy import POLICY_1, REASON_BY_CHARACTERISTIC, Decision, decide
from fundline.domain.reasons import SENTENCES
from fundline.domain.scorecard import ApplicantFacts, score
from support.applicant_facts import businesses, sound_business

SEVERITY = {"approved": 0, "pending_review": 1, "rejected": 2}


def codes(decision: Decision) -> list[str]:
    return [reason.code for reason in decision.principal_reasons]


def test_a_sound_business_is_approved_without_reasons():
    decision = decide(sound_business())
    assert decision.status == "approved"
    assert decision.principal_reasons == ()
    assert (decision.model_version, decision.policy_version) == ("scorecard-1", "policy-1")
    assert {outcome.verdict for outcome in decision.rule_outcomes} == {"pass"}


@given(businesses())
def test_every_rejection_and_referral_has_one_to_four_reasons_and_an_approval_none(facts: ApplicantFacts):
    decision = decide(facts)
    if decision.status == "approved":
        assert decision.principal_reasons == ()
    else:
        assert 1 <= len(decision.principal_reasons) <= 4
        assert len(set(codes(decision))) == len(decision.principal_reasons)


@given(businesses())
def test_whatever_is_missing_the_application_is_referred_and_the_reasons_say_what(facts: ApplicantFacts):
    decision = decide(facts)
    if decision.score.missing:
        assert decision.status == "pending_review"
        assert codes(decision) == list(decision.score.missing[:4])


@given(businesses())
def test_the_same_facts_always_give_the_same_decision(facts: ApplicantFacts):
    assert decide(facts) == decide(facts)


@given(businesses(complete=True), st.decimals(min_value="0", max_value="1000000", places=2))
def test_more_debt_never_softens_the_decision(facts: ApplicantFacts, more: Decimal):
    deeper = replace(facts, monthly_debt_service=facts.monthly_debt_service + more)
    assert SEVERITY[decide(deeper).status] >= SEVERITY[decide(facts).status]


@given(businesses(complete=True))
def test_reasons_come_from_rules_that_fired_or_from_points_that_hurt(facts: ApplicantFacts):
    decision = decide(facts)
    deciding = {"rejected": "reject", "pending_review": "refer", "approved": ""}[decision.status]
    fired = {outcome.reason for outcome in decision.rule_outcomes if outcome.verdict == deciding}
    hurt = {
        REASON_BY_CHARACTERISTIC[contribution.characteristic]
        for contribution in decision.score.contributions
        if contribution.points > 0 and "probability_of_default_high" in fired
    }
    assert set(codes(decision)) <= fired | hurt


def test_a_business_that_cannot_carry_the_loan_is_rejected_for_exactly_that():
    decision = decide(sound_business(operating_margin=Decimal("0.0300"), cash_at_bank=Decimal(200_000)))
    assert decision.score.capacity.coverage < POLICY_1.reject_coverage_below
    assert decision.status == "rejected"
    assert codes(decision)[0] == "coverage_insufficient"


def test_coverage_between_the_thresholds_is_left_to_a_person():
    decision = decide(sound_business(operating_margin=Decimal("0.0500")))
    assert decision.score.capacity.coverage == Decimal("1.1140")
    assert decision.status == "pending_review"
    assert codes(decision) == ["coverage_insufficient"]


def test_an_amount_above_a_years_revenue_is_rejected_unless_it_buys_real_estate():
    changes = {"amount": Decimal(700_000), "term_months": 300, "operating_margin": Decimal("0.4000")}
    rejected = decide(sound_business(**changes))
    assert rejected.status == "rejected"
    assert "amount_high_for_revenue" in codes(rejected)
    assert decide(sound_business(**changes, purpose="real_estate")).status == "pending_review"


def test_no_revenue_is_rejected_and_not_a_crash():
    decision = decide(sound_business(annual_revenue=Decimal(0)))
    assert decision.status == "rejected"
    assert codes(decision)[:2] == ["coverage_insufficient", "amount_high_for_revenue"]


def test_too_little_cash_is_left_to_a_person():
    decision = decide(sound_business(cash_at_bank=Decimal(500)))
    assert decision.status == "pending_review"
    assert codes(decision)[0] == "cash_reserves_low"


def test_points_that_hurt_are_named_in_the_order_of_their_weight():
    weak = sound_business(
        sector_default_rate=Decimal("0.2921"), state_default_rate=Decimal("0.2781"), business_age="new",
        operating_margin=Decimal("0.0600"), amount=Decimal(70_000), franchise=True,
    )  # fmt: skip
    decision = decide(weak, replace(POLICY_1, approve_coverage_from=Decimal("0.80")))
    assert decision.status == "pending_review"
    by_hurt = sorted(decision.score.contributions, key=lambda contribution: -contribution.points)
    assert codes(decision) == [REASON_BY_CHARACTERISTIC[c.characteristic] for c in by_hurt[:4]]


def test_a_policy_that_refuses_the_average_applicant_still_says_why():
    facts = sound_business()
    strict = replace(
        POLICY_1, approve_probability_below=Decimal(0), reject_probability_from=Decimal(0),
    )  # fmt: skip
    assert len(decide(facts, strict).principal_reasons) >= 1


@pytest.mark.parametrize("edge", ["approve_probability_below", "reject_probability_from"])
def test_a_probability_on_the_threshold_gets_the_stricter_answer(edge: str):
    facts = sound_business()
    on_the_edge = score(facts, POLICY_1.annual_rate).probability_of_default
    policy = replace(POLICY_1, **{edge: on_the_edge})
    assert decide(facts, policy).status != "approved"


def test_every_reason_a_decision_can_name_has_its_sentence():
    assert set(REASON_BY_CHARACTERISTIC.values()) <= set(SENTENCES)
    assert {c.characteristic for c in decide(sound_business()).score.contributions} == set(
        REASON_BY_CHARACTERISTIC
    )
