"""A policy carries its own rules: a later one adds, drops and reorders some, and the earlier one decides as before."""

from dataclasses import replace
from decimal import Decimal

import pytest

from fundline.domain.policy import POLICY_2
from fundline.domain.rules import CompleteFacts, Coverage, ModelAvailable, Stress
from support.applicant_facts import CALM, GOOD_SCORE, decide_alone, sound_business, stress_of_share
from support.policies import POLICY_NEXT, with_rule

SOUND = sound_business()
POOR = sound_business(cash_at_bank=Decimal(500))
LONG = sound_business(term_months=180)


def codes(facts, policy, stress=CALM):
    decision = decide_alone(facts, score=GOOD_SCORE, stress=stress, policy=policy)
    return decision.policy_version, decision.status, [reason.code for reason in decision.principal_reasons]


def test_both_versions_approve_what_is_sound():
    assert codes(SOUND, POLICY_2) == ("policy-2", "approved", [])
    assert codes(SOUND, POLICY_NEXT) == ("policy-next", "approved", [])


def test_an_added_rule_counts_in_its_own_version_only():
    assert codes(LONG, POLICY_2) == ("policy-2", "approved", [])
    assert codes(LONG, POLICY_NEXT) == ("policy-next", "pending_review", ["amount_needs_a_person"])


def test_a_dropped_rule_still_counts_in_the_earlier_version():
    assert codes(POOR, POLICY_2) == ("policy-2", "pending_review", ["cash_reserves_low"])
    assert codes(POOR, POLICY_NEXT) == ("policy-next", "approved", [])


def test_the_order_of_the_rules_is_the_order_of_outcomes_and_reasons():
    strained, fragile = sound_business(operating_margin=Decimal("0.0500")), stress_of_share("0.3000")
    assert codes(strained, POLICY_2, fragile)[2] == ["coverage_insufficient", "cash_flow_fragile"]
    assert codes(strained, POLICY_NEXT, fragile)[2] == ["cash_flow_fragile", "coverage_insufficient"]
    decision = decide_alone(SOUND, score=GOOD_SCORE, stress=CALM, policy=POLICY_NEXT)
    assert [outcome.rule for outcome in decision.rule_outcomes] == [
        "complete_facts", "cash_flow_stress", "model_available", "coverage", "amount_to_revenue", "automatic_amount",
        "probability_of_default", "risk_combined", "short_term",
    ]  # fmt: skip


@pytest.mark.parametrize("kind", [CompleteFacts, ModelAvailable, Stress])
def test_a_policy_that_would_not_fail_closed_cannot_be_made(kind):
    rules = tuple(rule for rule in POLICY_2.rules if not isinstance(rule, kind))
    with pytest.raises(ValueError, match=f"policy-2 lacks a rule that no policy goes without: {kind.name}"):
        replace(POLICY_2, rules=rules)


def test_two_rules_of_one_name_cannot_be_in_a_policy():
    with pytest.raises(ValueError, match="two rules of policy-2 have the same name"):
        replace(POLICY_2, rules=(*POLICY_2.rules, Coverage(Decimal(1), Decimal(2))))


def test_a_threshold_changes_in_the_policy_that_has_it():
    strict = with_rule(POLICY_2, Coverage, approve_from=Decimal(9))
    assert codes(SOUND, strict)[1:] == ("pending_review", ["coverage_insufficient"])
    assert codes(SOUND, POLICY_2)[1:] == ("approved", [])
