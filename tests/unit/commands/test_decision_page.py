"""The page of `fundline decision show`: what an underwriter files says what was decided, why, and on what it rested."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from fundline.commands.decision.page import WIDTH, show_decision
from fundline.domain.reasons import SENTENCES

Evidence = dict[str, Any]
HEADER = {
    "applicationId": "019a0c1e-6b54-7c3a-9d2f-4b1f0e6a7c11",
    "trackingId": "FL-7K2Q-M9XD-40RTP",
    "assessment": 2,
    "assessedAt": "2026-11-24T10:00:00.000000Z",
    "verdict": "rejected",
    "riskScore": "0.1795",
    "policyVersion": "policy-3",
}
EVIDENCE: Evidence = {
    "policy": "policy-3",
    "asked": "scorecard-2",
    "fallbackBecause": None,
    "noScoreBecause": None,
    "score": {
        "version": "scorecard-2",
        "base_rate": "0.3013",
        "contributions": [
            {"feature": "revolving", "observed": "0", "log_odds": "0.1513"},
            {"feature": "subsector", "observed": "541", "log_odds": "-0.3881"},
            {"feature": "franchise", "observed": None, "log_odds": "0.0000"},
        ],
    },
    "stress": {
        "shortfall_probability": "0.0040", "paths": 1000, "months": 60, "seed": 7, "method": "cash-flow-1"
    },
    "rules": [
        {"rule": "complete_facts", "verdict": "pass", "observed": None, "limit": None, "reason": ""},
        {"rule": "coverage", "verdict": "reject", "observed": "1.1000", "limit": "1.25",
         "reason": "coverage_insufficient"},
        {"rule": "franchised", "verdict": "refer", "observed": True, "limit": None, "reason": "franchise"},
    ],
    "decision": {"reasons": ["coverage_insufficient", "franchise", "of_a_later_release"]},
    "facts": {"amount": "50000.00", "revolving": False, "legal_form": None},
    "features": {},
}  # fmt: skip


def page(change: Callable[[Evidence], None] = lambda _: None, **header: str) -> str:
    evidence = copy.deepcopy(EVIDENCE)
    change(evidence)
    return show_decision(HEADER | header, evidence)


def part(text: str, title: str) -> list[str]:
    """The lines below this title, up to the empty line."""
    (found,) = (piece for piece in text.split("\n\n") if piece.startswith(title))
    return [" ".join(line.split()) for line in found.split("\n")[1:]]


@pytest.mark.parametrize(
    ("verdict", "words"),
    [("approved", "APPROVED"), ("rejected", "REJECTED"), ("pending_review", "REFERRED to an underwriter"),
     ("of a later release", "of a later release")],
)  # fmt: skip
def test_the_title_says_the_verdict_in_words_and_which_assessment_it_is(verdict, words):
    text = page(verdict=verdict)
    assert text.splitlines()[0] == f"DECISION ON APPLICATION FL-7K2Q-M9XD-40RTP: {words}"
    assert part(text, "DECISION") == [
        "application 019a0c1e-6b54-7c3a-9d2f-4b1f0e6a7c11",
        "assessment number 2, 2026-11-24T10:00:00.000000Z",
        "policy policy-3",
    ]


def test_each_reason_has_its_sentence_its_code_and_the_figures_of_the_rule_that_gave_it():
    assert part(page(), "REASONS") == [
        f"1. {SENTENCES['coverage_insufficient']}",
        "(coverage_insufficient: coverage is 1.1000, limit 1.25)",
        f"2. {SENTENCES['franchise']}",
        "(franchise: franchised is yes)",
        "3. of_a_later_release",
        "(of_a_later_release)",
    ]


def test_without_a_reason_every_rule_holds():
    assert part(page(lambda e: e["decision"].update(reasons=[])), "REASONS") == ["None: every rule holds."]


def test_the_score_is_told_of_100_businesses_with_the_strongest_feature_first():
    lines = part(page(), "SCORE")
    assert " ".join(lines[:2]) == (
        "0.1795: of 100 businesses like this one about 18.0 are expected to default at today's level. "
        "By scorecard-2, which saw 30.1 of 100 default."
    )
    assert lines[2:] == [
        "feature observed log odds",
        "subsector 541 -0.3881 lowers the risk",
        "revolving 0 0.1513 raises the risk",
        "franchise - 0.0000",
    ]


def test_a_model_that_did_not_answer_is_named_beside_the_one_that_decided():
    text = page(lambda e: e.update(asked="lightgbm-1", fallbackBecause="timeout"))
    assert "lightgbm-1 was asked and did not answer (timeout)." in part(text, "SCORE")


@pytest.mark.parametrize(
    ("why", "words"),
    [
        ({"noScoreBecause": "a figure is missing"}, "a figure is missing"),
        ({"fallbackBecause": "timeout"}, "timeout"),
        ({}, "no model answered"),
    ],
)
def test_without_a_score_the_page_says_why_and_that_nothing_is_approved(why, words):
    text = page(lambda e: e.update(score=None, **why))
    assert part(text, "SCORE") == [f"There is no score: {words}. Without one nothing is approved."]


def test_the_stress_names_its_futures_months_method_and_seed():
    assert " ".join(part(page(), "STRESS")) == (
        "In 0.4 of 100 simulated futures the business cannot pay an instalment within 60 months (1000 futures, "
        "cash-flow-1, seed 7)."
    )
    assert part(page(lambda e: e.update(stress=None)), "STRESS") == [
        "The cash flow could not be simulated: a figure is missing."
    ]


def test_every_rule_is_there_with_its_answer():
    assert part(page(), "RULES of policy-3; the strictest answer decides") == [
        "rule answer observed limit",
        "complete_facts holds - -",
        "coverage rejects 1.1000 1.25",
        "franchised refers yes -",
    ]


def test_evidence_is_written_without_words_of_python_and_what_is_empty_is_left_out():
    text = page()
    assert part(text, "EVIDENCE: facts") == ["amount 50000.00", "revolving no", "legal_form -"]
    assert "EVIDENCE: features" not in text
    assert "EVIDENCE: capacity" not in text


def test_what_somebody_typed_cannot_add_a_line_and_sentences_fit_the_page():
    text = page(lambda e: e["facts"].update(amount="1\nRULES of nobody"))
    assert "\nRULES of nobody" not in text
    sentences = [line for line in text.splitlines() if line.startswith(("  In ", "  1. ", "     "))]
    assert max(map(len, sentences)) <= WIDTH
