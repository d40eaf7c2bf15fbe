"""What each rule writes into the evidence of a decision, word by word: a replay compares it."""

from dataclasses import astuple, replace
from decimal import Decimal

from fundline.domain.decision import NEGLIGIBLE_LOG_ODDS
from fundline.domain.exposure import Exposure, Shared
from support.applicant_facts import CALM, GOOD_SCORE, decide_alone, model_score_of, sound_business

SOUND = sound_business()
FIGURES = (
    ("coverage", "pass", "2.6737", "1.25", "coverage_insufficient"),
    ("amount_to_revenue", "pass", "0.0834", "0.60", "amount_high_for_revenue"),
    ("cash_runway", "pass", "17.8253", "3.00", "cash_reserves_low"),
    ("automatic_amount", "pass", "50000.00", "250000", "amount_needs_a_person"),
)
NOTHING_BESIDE = (
    *(("exposure", "pass", "50000.00 USD", "250000 USD", f"exposure_of_{one}") for one in Shared),
    ("likely_repeat", "pass", "0", "0", "likely_repeat"),
)
COMPLETE = ("complete_facts", "pass", None, None, "")
CALM_STRESS = ("cash_flow_stress", "pass", "0.0100", "0.2500", "cash_flow_fragile")
NOT_COMBINED = ("risk_combined", "not_evaluated", None, "0.1500 and 0.5000", "cash_flow_fragile")
LIKELY = ("probability_of_default", "pass", "0.0406", "0.1500", "probability_of_default_high")
UNSCORED = ("probability_of_default", "not_evaluated", None, "0.1500", "probability_of_default_high")


def outcomes(facts, **how):
    return tuple(astuple(outcome) for outcome in decide_alone(facts, **how).rule_outcomes)


def test_the_outcomes_of_an_approval():
    assert outcomes(SOUND, score=GOOD_SCORE, stress=CALM) == (
        COMPLETE,
        ("model_available", "pass", None, None, "model_unavailable"),
        *FIGURES,
        LIKELY,
        CALM_STRESS,
        ("risk_combined", "pass", "0.0406 and 0.0100", "0.1500 and 0.5000", "cash_flow_fragile"),
        *NOTHING_BESIDE,
    )


def test_the_outcomes_when_another_model_answered():
    assert outcomes(SOUND, score=GOOD_SCORE, stress=CALM, fallback_because="timeout") == (
        COMPLETE,
        ("model_available", "refer", "timeout", None, "model_unavailable"),
        *FIGURES,
        LIKELY,
        CALM_STRESS,
        NOT_COMBINED,
        *NOTHING_BESIDE,
    )


def test_the_outcomes_when_no_model_answered():
    expected = (
        COMPLETE,
        ("model_available", "refer", "timeout", None, "model_unavailable"),
        *FIGURES,
        UNSCORED,
        CALM_STRESS,
        NOT_COMBINED,
        *NOTHING_BESIDE,
    )
    how = {"score": None, "stress": CALM}
    assert outcomes(SOUND, **how, fallback_because="timeout") == expected
    assert outcomes(SOUND, **how, fallback_because="timeout", no_score_because="no features") == expected


def test_the_outcomes_when_nothing_is_known():
    stated = ("annual_revenue", "operating_margin", "monthly_debt_service", "cash_at_bank")
    bare = replace(SOUND, **dict.fromkeys(stated))
    decided = outcomes(bare, score=None, stress=None, no_score_because="employees: too many")
    assert decided == (
        *(("complete_facts", "refer", None, None, f"{name}_missing") for name in stated),
        ("complete_facts", "refer", "employees: too many", None, "input_out_of_range"),
        ("model_available", "not_evaluated", None, None, "model_unavailable"),
        *((rule, "not_evaluated", None, limit, reason) for rule, _, _, limit, reason in FIGURES[:3]),
        FIGURES[3],
        UNSCORED,
        ("cash_flow_stress", "refer", None, "0.2500", "model_unavailable"),
        NOT_COMBINED,
        *NOTHING_BESIDE,
    )


def test_a_feature_is_a_reason_only_when_it_weighs_more_than_nothing_much():
    exactly = model_score_of("0.9000", state=str(NEGLIGIBLE_LOG_ODDS), subsector="0.1001")
    codes = [reason.code for reason in decide_alone(SOUND, score=exactly, stress=CALM).principal_reasons]
    assert codes == ["sector_history"]
    assert Decimal("0.10") == NEGLIGIBLE_LOG_ODDS


def test_the_outcomes_of_what_is_open_or_paid_beside():
    beside = Exposure(
        applicant={"USD": Decimal("200000.00")},
        business={"USD": Decimal("200000.01")},
        account={"EUR": Decimal("180000.01"), "XAU": Decimal(1)},
        repeats=2,
    )
    assert outcomes(SOUND, score=GOOD_SCORE, stress=CALM, exposure=beside)[-4:] == (
        ("exposure", "pass", "250000.00 USD", "250000 USD", "exposure_of_applicant"),
        ("exposure", "refer", "250000.01 USD", "250000 USD", "exposure_of_business"),
        (
            "exposure", "refer", "180000.01 EUR, 50000.00 USD, 1 XAU", "225000 EUR, 250000 USD, 0 XAU",
            "exposure_of_account",
        ),
        ("likely_repeat", "refer", "2", "0", "likely_repeat"),
    )  # fmt: skip


def test_the_outcomes_when_nobody_has_looked_what_is_open():
    assert outcomes(SOUND, score=GOOD_SCORE, stress=CALM, exposure=None)[-2:] == (
        ("exposure", "refer", None, None, "exposure_unknown"),
        ("likely_repeat", "refer", None, None, "exposure_unknown"),
    )
