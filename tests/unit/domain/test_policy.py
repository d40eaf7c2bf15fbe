import math
from dataclasses import replace
from decimal import ROUND_UP, Context, Decimal, localcontext

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fundline.domain.decision import Decision, at_level
from fundline.domain.policy import POLICIES, POLICY_2, POLICY_3
from fundline.domain.rules import AutomaticAmount, Coverage, ProbabilityOfDefault, Stress
from fundline.domain.scoring import ModelScore
from support.applicant_facts import (
    CALM,
    GOOD_SCORE,
    decide_alone,
    model_score_of,
    scores,
    sound_business,
    stress_of_share,
)
from support.policies import rule_of, with_rule

SOUND = sound_business()
HIGH = model_score_of("0.7000", subsector="0.9000", state="0.4000", amount="0.0500", employees="-0.2000")
FRAGILE = stress_of_share("0.9000")


def codes(decision: Decision) -> list[str]:
    return [reason.code for reason in decision.principal_reasons]


def verdicts(decision: Decision) -> dict[str, str]:
    return {outcome.rule: outcome.verdict for outcome in decision.rule_outcomes}


def test_a_sound_business_is_approved_without_reasons():
    decision = decide_alone(SOUND, score=GOOD_SCORE, stress=CALM)
    assert decision.status == "approved"
    assert decision.principal_reasons == ()
    assert (decision.model_version, decision.policy_version) == ("scorecard-2", "policy-3")
    assert set(verdicts(decision).values()) == {"pass"}


def test_a_policy_is_found_by_the_version_that_decisions_carry():
    assert POLICIES[decide_alone(SOUND, score=GOOD_SCORE, stress=CALM).policy_version] is POLICY_3


# The model


def test_a_high_probability_refers_and_names_what_hurt_most_first():
    decision = decide_alone(SOUND, score=HIGH, stress=CALM)
    assert decision.status == "pending_review"
    assert codes(decision) == ["sector_history", "state_history"]


def test_a_high_probability_and_a_cash_flow_that_fails_in_most_futures_reject_together():
    decision = decide_alone(SOUND, score=HIGH, stress=FRAGILE)
    assert decision.status == "rejected"
    assert codes(decision) == ["cash_flow_fragile", "sector_history", "state_history"]
    assert [o.rule for o in decision.rule_outcomes if o.verdict == "reject"] == ["risk_combined"]


def test_a_cash_flow_that_fails_under_a_good_score_is_left_to_a_person_for_that_alone():
    decision = decide_alone(SOUND, score=GOOD_SCORE, stress=FRAGILE)
    assert (decision.status, codes(decision)) == ("pending_review", ["cash_flow_fragile"])


def test_a_high_probability_without_a_weighty_feature_still_says_why():
    assert codes(decide_alone(SOUND, score=model_score_of("0.9000"), stress=CALM)) == [
        "probability_of_default_high"
    ]


def test_a_model_that_explains_an_unknown_feature_does_not_break_the_decision():
    odd = model_score_of("0.9000")
    odd = replace(odd, contributions=(replace(odd.contributions[0], feature="tea", log_odds=Decimal(1)),))
    assert codes(decide_alone(SOUND, score=odd, stress=CALM)) == ["probability_of_default_high"]


def test_a_probability_on_the_threshold_gets_the_stricter_answer():
    on_the_edge = at_level(GOOD_SCORE, POLICY_2.portfolio_default_rate)
    policy = with_rule(POLICY_2, ProbabilityOfDefault, approve_below=on_the_edge)
    decision = decide_alone(SOUND, score=GOOD_SCORE, stress=CALM, policy=policy)
    assert (decision.status, codes(decision)) == ("pending_review", ["probability_of_default_high"])


def test_a_share_of_failing_futures_on_the_threshold_gets_the_stricter_answer():
    edge = stress_of_share(str(rule_of(POLICY_2, Stress).approve_below))
    assert decide_alone(SOUND, score=GOOD_SCORE, stress=edge).status == "pending_review"


@given(scores(), st.decimals("0.0001", "0.9999", places=4))
@example(score=model_score_of("0"), level=Decimal("0.0740"))
@example(score=model_score_of("1"), level=Decimal("0.0740"))
def test_the_level_is_corrected_by_shifting_the_log_odds(score: ModelScore, level: Decimal):
    corrected = at_level(score, level)
    if score.probability in {0, 1}:
        assert corrected == score.probability
    else:
        log_odds = [math.log(p / (1 - p)) for p in map(float, (score.probability, level, score.base_rate))]
        expected = 1 / (1 + math.exp(-(log_odds[0] + log_odds[1] - log_odds[2])))
        assert float(corrected) == pytest.approx(expected, abs=0.000051)


def test_the_level_does_not_depend_on_the_arithmetic_of_the_caller():
    plain = at_level(HIGH, POLICY_2.portfolio_default_rate)
    with localcontext(Context(prec=3, rounding=ROUND_UP)):
        assert at_level(HIGH, POLICY_2.portfolio_default_rate) == plain


def test_the_average_loan_of_the_training_gets_todays_average_default_rate():
    average = replace(GOOD_SCORE, probability=GOOD_SCORE.base_rate)
    assert decide_alone(SOUND, score=average, stress=CALM).risk_score == POLICY_2.portfolio_default_rate


# What is away or does not fit


def test_without_any_score_a_person_decides_and_the_score_is_the_worst():
    decision = decide_alone(SOUND, score=None, stress=CALM, no_score_because="x", fallback_because="x")
    assert (decision.status, codes(decision)) == ("pending_review", ["model_unavailable"])
    assert (decision.risk_score, decision.model_version) == (Decimal("1.0000"), "none")


def test_facts_that_no_model_takes_are_referred_for_that_and_never_rejected():
    broken = replace(SOUND, operating_margin=Decimal("-0.5"))
    decision = decide_alone(
        broken, score=None, stress=CALM, no_score_because="employees: 10000000 is not between"
    )
    assert (decision.status, codes(decision)) == ("pending_review", ["input_out_of_range"])
    assert decision.rule_outcomes[0].observed == "employees: 10000000 is not between"


def test_a_fallback_with_a_good_score_is_referred_and_shows_whose_score_it_is():
    decision = decide_alone(SOUND, score=GOOD_SCORE, stress=CALM, fallback_because="timeout")
    assert (decision.status, codes(decision)) == ("pending_review", ["model_unavailable"])
    assert (decision.model_version, decision.risk_score < 1) == ("scorecard-2", True)


def test_in_an_outage_the_stated_figures_still_reject():
    loss = replace(SOUND, operating_margin=Decimal("-0.2000"))
    decision = decide_alone(loss, score=None, stress=FRAGILE, fallback_because="timeout")
    assert (decision.status, codes(decision)) == ("rejected", ["coverage_insufficient"])


def test_without_a_simulation_a_person_decides():
    decision = decide_alone(SOUND, score=GOOD_SCORE, stress=None)
    assert (decision.status, codes(decision)) == ("pending_review", ["model_unavailable"])


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"annual_revenue": None}, "annual_revenue_missing"),
        ({"operating_margin": None}, "operating_margin_missing"),
        ({"monthly_debt_service": None}, "monthly_debt_service_missing"),
        ({"cash_at_bank": None}, "cash_at_bank_missing"),
        ({"sector_volatility": None}, "sector_unknown"),
        ({"state_known": False}, "state_unknown"),
        ({"business_age": "unknown"}, "business_age_unknown"),
        ({"legal_form": "guild"}, "legal_form_unknown"),
        ({"location": "orbit"}, "location_unknown"),
    ],
)
def test_whatever_is_missing_is_named(change, code):
    decision = decide_alone(sound_business(**change), score=HIGH, stress=FRAGILE)
    assert (decision.status, codes(decision)) == ("pending_review", [code])


def test_something_missing_during_an_outage_names_both():
    decision = decide_alone(
        sound_business(location="orbit"), score=GOOD_SCORE, stress=CALM, fallback_because="timeout"
    )
    assert codes(decision) == ["location_unknown", "model_unavailable"]


# The stated figures


def test_a_business_that_cannot_carry_the_loan_is_rejected_for_exactly_that():
    decision = decide_alone(sound_business(operating_margin=Decimal("0.0300")), score=HIGH, stress=CALM)
    assert decision.capacity.coverage < rule_of(POLICY_2, Coverage).reject_below
    assert (decision.status, codes(decision)) == ("rejected", ["coverage_insufficient"])


def test_coverage_between_the_thresholds_is_left_to_a_person():
    decision = decide_alone(sound_business(operating_margin=Decimal("0.0500")), score=GOOD_SCORE, stress=CALM)
    assert decision.capacity.coverage == Decimal("1.1140")
    assert (decision.status, codes(decision)) == ("pending_review", ["coverage_insufficient"])


def test_an_amount_above_a_years_revenue_is_rejected_unless_it_buys_real_estate():
    changes = {"amount": Decimal(700_000), "term_months": 300, "operating_margin": Decimal("0.4000")}
    rejected = decide_alone(sound_business(**changes), score=GOOD_SCORE, stress=CALM)
    assert (rejected.status, codes(rejected)) == ("rejected", ["amount_high_for_revenue"])
    housed = decide_alone(sound_business(**changes, purpose="real_estate"), score=GOOD_SCORE, stress=CALM)
    assert (housed.status, codes(housed)) == (
        "pending_review",
        ["amount_high_for_revenue", "amount_needs_a_person"],
    )


def test_no_revenue_is_rejected_and_not_a_crash():
    decision = decide_alone(sound_business(annual_revenue=Decimal(0)), score=GOOD_SCORE, stress=FRAGILE)
    assert decision.status == "rejected"
    assert codes(decision) == ["coverage_insufficient", "amount_high_for_revenue"]


def test_too_little_cash_is_left_to_a_person():
    decision = decide_alone(sound_business(cash_at_bank=Decimal(500)), score=GOOD_SCORE, stress=CALM)
    assert (decision.status, codes(decision)) == ("pending_review", ["cash_reserves_low"])


@pytest.mark.parametrize("currency", ["USD", "EUR", "GBP", "JPY"])
def test_above_the_automatic_amount_of_its_currency_a_person_looks(currency: str):
    cap = rule_of(POLICY_2, AutomaticAmount).approve_up_to[currency]
    rich = {"annual_revenue": cap * 10, "cash_at_bank": cap, "monthly_debt_service": Decimal(0)}
    at_cap = decide_alone(
        sound_business(amount=cap, currency=currency, **rich), score=GOOD_SCORE, stress=CALM
    )
    above = decide_alone(
        sound_business(amount=cap + 1, currency=currency, **rich), score=GOOD_SCORE, stress=CALM
    )
    assert at_cap.status == "approved"
    assert (above.status, codes(above)) == ("pending_review", ["amount_needs_a_person"])


def test_a_currency_without_an_automatic_amount_is_never_approved():
    decision = decide_alone(
        sound_business(currency="XAU", amount=Decimal("0.01")), score=GOOD_SCORE, stress=CALM
    )
    assert (decision.status, codes(decision)) == ("pending_review", ["amount_needs_a_person"])
