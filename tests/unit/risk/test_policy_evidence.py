"""Every decision that was ever made replays: kept evidence of each policy version, made when the version was new."""

import hashlib

import orjson
import pytest

from fundline.domain.policy import POLICIES, POLICY_2
from fundline.risk.evidence import from_json, to_json
from fundline.risk.replay import repeat
from support.policies import POLICY_NEXT
from support.policy_evidence import FILES, MODELS, Kept, kept, telling

EVIDENCE = [(version, one) for version in POLICIES for one in kept(version)]
FACTS = (
    "annual_revenue_missing", "operating_margin_missing", "monthly_debt_service_missing", "cash_at_bank_missing",
    "sector_unknown", "state_unknown", "business_age_unknown", "legal_form_unknown", "location_unknown",
    "input_out_of_range",
)  # fmt: skip
OUTCOMES_OF_POLICY_2 = {
    ("complete_facts", "pass", ""),
    *(("complete_facts", "refer", code) for code in FACTS),
    *(("model_available", verdict, "model_unavailable") for verdict in ("pass", "refer", "not_evaluated")),
    *(
        (rule, verdict, reason)
        for rule, reason in (
            ("coverage", "coverage_insufficient"),
            ("amount_to_revenue", "amount_high_for_revenue"),
        )
        for verdict in ("pass", "refer", "reject", "not_evaluated")
    ),
    *(("cash_runway", verdict, "cash_reserves_low") for verdict in ("pass", "refer", "not_evaluated")),
    *(("automatic_amount", verdict, "amount_needs_a_person") for verdict in ("pass", "refer")),
    *(
        ("probability_of_default", verdict, "probability_of_default_high")
        for verdict in ("pass", "refer", "not_evaluated")
    ),
    *(("cash_flow_stress", verdict, "cash_flow_fragile") for verdict in ("pass", "refer")),
    ("cash_flow_stress", "refer", "model_unavailable"),
    *(("risk_combined", verdict, "cash_flow_fragile") for verdict in ("pass", "reject", "not_evaluated")),
}


OUTCOMES_OF_POLICY_3 = OUTCOMES_OF_POLICY_2 | {
    *(
        ("exposure", verdict, f"exposure_of_{shared}")
        for shared in ("applicant", "business", "account")
        for verdict in ("pass", "refer")
    ),
    ("likely_repeat", "pass", "likely_repeat"),
    ("likely_repeat", "refer", "likely_repeat"),
    ("exposure", "refer", "exposure_unknown"),
    ("likely_repeat", "refer", "exposure_unknown"),
}


def outcomes_of(evidence: list[str]) -> set[tuple[str, str, str]]:
    rules = [rule for one in evidence for rule in orjson.loads(one)["rules"]]
    return {(rule["rule"], rule["verdict"], rule["reason"]) for rule in rules}


def test_each_policy_version_has_its_kept_evidence():
    assert {path.stem for path in FILES.glob("*.jsonl")} == POLICIES.keys()


def test_the_kept_evidence_shows_every_outcome_of_every_rule():
    assert outcomes_of([one.evidence for one in kept("policy-2")]) == OUTCOMES_OF_POLICY_2
    assert outcomes_of([one.evidence for one in kept("policy-3")]) == OUTCOMES_OF_POLICY_3


@pytest.mark.parametrize(("version", "one"), EVIDENCE)
def test_a_decision_that_was_made_under_a_policy_replays_to_the_same_result(version: str, one: Kept):
    assert from_json(one.evidence)[0].policy_version == version
    assert repeat(one.evidence, MODELS.__getitem__) == []


@pytest.mark.parametrize(("version", "one"), EVIDENCE)
def test_evidence_that_is_frozen_today_has_the_hash_of_the_day_it_was_made(version: str, one: Kept):
    """Byte for byte, apart from the engines, which are those of the machine."""
    assert hashlib.sha256(one.evidence.encode()).hexdigest() == one.sha256
    inputs, recorded = from_json(one.evidence)
    today = orjson.loads(to_json(inputs, inputs.decide())) | {"engines": recorded["engines"]}
    assert hashlib.sha256(orjson.dumps(today)).hexdigest() == one.sha256


BOTH = {policy.version: policy for policy in (POLICY_2, POLICY_NEXT)}


def test_with_a_later_policy_beside_it_every_decision_of_the_earlier_one_replays():
    assert [repeat(one.evidence, MODELS.__getitem__, BOTH) for one in kept("policy-2")] == [[]] * len(
        kept("policy-2")
    )


def test_every_decision_of_the_later_policy_replays_and_would_not_under_the_earlier_rules():
    later = [evidence.decode() for evidence in telling(POLICY_NEXT)]
    assert {rule for rule, _, _ in outcomes_of(later)} == {rule.name for rule in POLICY_NEXT.rules}
    for evidence in later:
        assert repeat(evidence, MODELS.__getitem__, BOTH) == []
        under_the_earlier = repeat(evidence, MODELS.__getitem__, {"policy-next": POLICY_2})
        assert "rules" in {difference.what for difference in under_the_earlier}
