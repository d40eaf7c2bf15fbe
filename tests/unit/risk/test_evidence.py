"""Evidence: what is frozen makes the same decision again, and an edit of it is told."""

import json
from dataclasses import replace
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given, settings

from fundline.domain.policy import POLICY_2
from fundline.risk.cashflow import seed_of
from fundline.risk.evidence import Inputs, UnreadableEvidence, from_json, outcome_of, stress_of, to_json
from fundline.risk.features import features_of_application
from fundline.risk.manifest import ModelRefused
from fundline.risk.model import model_score
from fundline.risk.replay import Row, compare_row, repeat
from support.applicant_facts import businesses, sound_business
from support.scoring import CHALLENGER, CHAMPION, packaged_model

APPLICATION = UUID("0192f0c1-2345-7abc-8def-0123456789ab")
MODELS = {version: packaged_model(version) for version in (CHAMPION, CHALLENGER)}
load = MODELS.__getitem__


def inputs_of(facts, version=CHALLENGER, **changes) -> Inputs:
    features, model = features_of_application(facts), MODELS[version]
    (answer,) = model.answer([features])
    score = model_score(version, model.base_rate, answer, features, digest=model.digest)
    stress = stress_of(facts, POLICY_2, seed=seed_of(APPLICATION), paths=1000)
    made = Inputs(facts, features, version, score, stress, POLICY_2.version)
    return replace(made, **changes)


def frozen(inputs: Inputs) -> str:
    return to_json(inputs, inputs.decide()).decode()


SOUND = inputs_of(sound_business())
REFERRED = inputs_of(sound_business(cash_at_bank=Decimal("2000.00"), operating_margin=Decimal("0.0700")))


def row_of(inputs: Inputs, **changes) -> Row:
    outcome = outcome_of(inputs.decide())
    row = Row(
        APPLICATION, outcome["status"], outcome["riskScore"], outcome["reasons"], inputs.score.version,
        inputs.policy_version, inputs.asked, inputs.fallback_because,
    )  # fmt: skip
    return replace(row, **changes)


@settings(deadline=None, max_examples=40)
@given(businesses())
def test_whatever_was_decided_is_decided_again_from_what_was_frozen(facts):
    try:
        inputs = inputs_of(facts)
    except ValueError as error:  # facts that form no features are referred for that, and repeated too
        stress = stress_of(facts, POLICY_2, seed=seed_of(APPLICATION), paths=1000)
        inputs = Inputs(facts, None, CHAMPION, None, stress, POLICY_2.version, no_score_because=str(error))
    assert repeat(frozen(inputs), load) == []
    assert from_json(frozen(inputs))[0] == inputs


@pytest.mark.parametrize(
    "inputs", [SOUND, REFERRED, inputs_of(sound_business(), fallback_because="it was away")]
)
def test_a_decision_and_the_row_beside_it_say_the_same(inputs):
    assert repeat(frozen(inputs), load) == []
    assert compare_row(frozen(inputs), row_of(inputs)) == []


def leaves(content, path=()):
    """The path of every value in it."""
    if isinstance(content, dict | list) and content:
        items = content.items() if isinstance(content, dict) else enumerate(content)
        return [leaf for key, value in items for leaf in leaves(value, (*path, key))]
    return [path]


def edited(text: str, path, change) -> str:
    content = json.loads(text)
    place = content
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = change(place[path[-1]])
    return json.dumps(content)


def nudged(value):
    """Another value of the same kind."""
    if not isinstance(value, str):
        return value + 1 if isinstance(value, int | float) and not isinstance(value, bool) else not value
    try:
        return str(2 * Decimal(value) + 1)
    except ArithmeticError:
        return f"{value}x"


DECIDES_NOTHING = {
    ("facts", "jobs_created"), ("facts", "jobs_kept"), ("facts", "purpose"), ("noScoreBecause",), ("stress", "paths"),
}  # fmt: skip
"""An edit of these leaves this decision as it was: no rule reads the jobs, no other limit belongs to the purpose,
there is a score, and no path fails, however many there are."""


@pytest.mark.parametrize("inputs", [SOUND, inputs_of(sound_business(), fallback_because="it was away")])
def test_an_edit_of_any_value_is_told_or_the_evidence_is_refused(inputs):
    text = frozen(inputs)
    untold = set()
    for path in leaves(json.loads(text)):
        forged = edited(text, path, nudged)
        try:
            if not [*repeat(forged, load), *compare_row(forged, row_of(inputs))]:
                untold.add(path)
        except UnreadableEvidence:
            continue
    assert {path for path in untold if path[0] != "engines"} <= DECIDES_NOTHING


def test_the_figures_that_differ_are_named_with_both_values():
    text = edited(frozen(SOUND), ("score", "probability"), lambda _: "0.0100")
    (told,) = [one for one in repeat(text, load) if one.what == "score.probability"]
    assert (told.recorded, told.repeated) == ("0.0100", str(SOUND.score.probability))


def test_another_engine_is_named_when_something_differs_and_is_no_difference_alone():
    text = edited(frozen(SOUND), ("engines", "numpy"), lambda _: "1.0")
    assert repeat(text, load) == []
    both = edited(text, ("stress", "shortfall_probability"), lambda _: "0.9999")
    assert "engines.numpy" in {one.what for one in repeat(both, load)}


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"verdict": "rejected"}, "verdict"),
        ({"risk_score": "0.0001"}, "risk score"),
        ({"reasons": ["franchise"]}, "principal reasons"),
        ({"model_version": CHAMPION}, "model"),
        ({"policy_version": "policy-1"}, "policy"),
        ({"model_asked": CHAMPION}, "model asked"),
        ({"fallback_cause": "it was away"}, "fallback cause"),
        ({"application_id": UUID(int=1)}, "seed"),
    ],
)
def test_a_column_beside_the_evidence_that_says_otherwise_is_told(change, what):
    (told,) = compare_row(frozen(SOUND), row_of(SOUND, **change))
    assert told.what == f"{what} beside the evidence"


@pytest.mark.parametrize(
    "trouble", [ModelRefused("its checksum does not fit"), KeyError("gone"), ImportError("no lightgbm")]
)
def test_a_model_that_cannot_be_loaded_any_more_is_the_difference(trouble):
    def refuse(_version):
        raise trouble

    assert [one.what for one in repeat(frozen(SOUND), refuse)] == ["model"]


def test_a_model_of_the_same_version_with_another_artefact_is_told_by_its_digest():
    class Other:
        version, base_rate, digest = CHALLENGER, MODELS[CHALLENGER].base_rate, "0" * 64

        def answer(self, rows):
            return MODELS[CHALLENGER].answer(rows)

    assert [one.what for one in repeat(frozen(SOUND), lambda _: Other()) if "score" in one.what] == [
        "score.digest"
    ]


def test_a_policy_that_is_gone_is_told():
    (told,) = repeat(frozen(SOUND), load, {})
    assert (told.what, told.recorded) == ("policy", "policy-2")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("stress", "paths"), 10),
        (("stress", "seed"), -1),
        (("stress", "seed"), "one"),
        (("stress", "paths"), "many"),
    ],
)
def test_a_simulation_that_cannot_be_run_is_the_difference_and_no_crash(path, value):
    text = edited(frozen(SOUND), path, lambda _: value)
    assert any(
        one.what == "cash flow" and "cannot be simulated" in one.repeated for one in repeat(text, load)
    )


@pytest.mark.parametrize(
    "text",
    [
        "", "null", "[]", "{}", "not json",
        edited(frozen(SOUND), ("schema",), lambda _: 1),
        edited(frozen(SOUND), ("facts", "amount"), lambda _: "-5"),
        edited(frozen(SOUND), ("facts", "amount"), lambda _: "much"),
        edited(frozen(SOUND), ("facts", "term_months"), lambda _: "sixty"),
        edited(frozen(SOUND), ("score", "probability"), lambda _: "1.7"),
        edited(frozen(SOUND), ("score", "probability"), lambda _: "NaN"),
        *(
            json.dumps({name: part for name, part in json.loads(frozen(SOUND)).items() if name != left_out})
            for left_out in json.loads(frozen(SOUND))
        ),
    ],
)  # fmt: skip
def test_evidence_that_is_damaged_or_of_another_schema_is_refused_with_a_sentence(text):
    with pytest.raises(UnreadableEvidence, match="The evidence"):
        repeat(text, load)
