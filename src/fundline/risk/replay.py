"""A decision made once more from its evidence, and what is said elsewhere held against it."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from fundline.domain.decision import NO_MODEL
from fundline.domain.facts import ApplicantFacts
from fundline.domain.policy import POLICIES, Policy
from fundline.domain.scoring import BadScore, CashFlowStress, ModelScore
from fundline.risk import cashflow
from fundline.risk.evidence import Inputs, engines, from_json, outcome_of, plain, stress_of
from fundline.risk.features import FeatureError, Value, features_of_application
from fundline.risk.model import Model, model_score

_OF_REFERENCE_TABLES = ("state_known", "sector_volatility")


@dataclass(frozen=True, slots=True)
class Difference:
    """One figure that came out otherwise when the decision was repeated."""

    what: str
    recorded: str
    repeated: str


@dataclass(frozen=True, slots=True)
class Row:
    """The columns of an assessment that repeat what its evidence says; `reasons` are codes."""

    application_id: UUID
    verdict: str
    risk_score: str
    reasons: Sequence[str]
    model_version: str
    policy_version: str
    model_asked: str
    fallback_cause: str | None


def repeat(
    text: str | bytes, load: Callable[[str], Model], policies: Mapping[str, Policy] = POLICIES
) -> list[Difference]:
    """Make the decision once more from its facts alone; what differs from the record, nothing when it holds.

    `load` gives a model by version and may raise what it likes: that is then the difference. Raises UnreadableEvidence.
    """
    inputs, recorded = from_json(text)
    found: list[Difference] = []
    if inputs.policy_version not in policies:
        return [Difference("policy", inputs.policy_version, "this policy is not known any more")]
    policy = policies[inputs.policy_version]
    features, score = _score_again(inputs, load, found)
    stress = _stress_again(inputs, policy, found)
    again = dataclasses.replace(inputs, features=features, score=score, stress=stress).decide(policies)
    found += _compared("decision", recorded["decision"], outcome_of(again))
    found += _compared("capacity", recorded["capacity"], plain(again.capacity))
    found += _compared("rules", recorded["rules"], plain(again.rule_outcomes))
    if found:
        # Another engine may be why, and is not a difference by itself.
        found += _compared("engines", recorded["engines"], engines())
    return found


def compare_row(text: str | bytes, row: Row) -> list[Difference]:
    """What the columns stored beside the evidence say otherwise than the evidence does. Raises UnreadableEvidence."""
    inputs, recorded = from_json(text)
    score, stress, decision = inputs.score, inputs.stress, recorded["decision"]
    pairs: list[tuple[str, Any, Any]] = [
        ("verdict", row.verdict, decision["status"]),
        ("risk score", row.risk_score, decision["riskScore"]),
        ("principal reasons", list(row.reasons), decision["reasons"]),
        ("model", row.model_version, NO_MODEL if score is None else score.version),
        ("policy", row.policy_version, inputs.policy_version),
        ("model asked", row.model_asked, inputs.asked),
        ("fallback cause", row.fallback_cause, inputs.fallback_because or inputs.no_score_because),
    ]
    if stress is not None:
        pairs.append(("seed", cashflow.seed_of(row.application_id), stress.seed))
    return [
        Difference(f"{what} beside the evidence", str(beside), str(inside))
        for what, beside, inside in pairs
        if beside != inside
    ]


def compare_facts(text: str | bytes, application: ApplicantFacts) -> list[Difference]:
    """What the application's own columns say otherwise than the recorded facts. Raises UnreadableEvidence.

    Facts of the reference tables are those of the day of the decision, and not compared.
    """
    inputs, _ = from_json(text)
    same = {name: getattr(inputs.facts, name) for name in _OF_REFERENCE_TABLES}
    now = dataclasses.replace(application, **same)
    return _compared("application", dataclasses.asdict(inputs.facts), dataclasses.asdict(now))


def _score_again(
    inputs: Inputs, load: Callable[[str], Model], found: list[Difference]
) -> tuple[Mapping[str, Value] | None, ModelScore | None]:
    try:
        features = features_of_application(inputs.facts)
    except FeatureError as error:
        found += _compared("features", inputs.features, None if inputs.features is None else str(error))
        return None, inputs.score
    found += _compared("features", inputs.features, features)
    if inputs.score is None:
        return features, None
    version = inputs.score.version
    try:
        model = load(version)
        (answer,) = model.answer([features])
        again = model_score(version, model.base_rate, answer, features, digest=model.digest)
    except (BadScore, ValueError, OSError, ImportError, LookupError) as error:
        found.append(Difference("model", version, f"it cannot be used: {error}"))
        return features, inputs.score
    found += _compared("score", plain(inputs.score), plain(again))
    return features, again


def _stress_again(inputs: Inputs, policy: Policy, found: list[Difference]) -> CashFlowStress | None:
    stress = inputs.stress
    if stress is None:
        return None
    try:
        again = stress_of(inputs.facts, policy, seed=stress.seed, paths=stress.paths)
    except (ValueError, TypeError) as error:
        found.append(Difference("cash flow", str(stress), f"it cannot be simulated: {error}"))
        return stress
    found += _compared("cash flow", plain(stress), plain(again))
    return again


def _compared(what: str, recorded: Any, repeated: Any) -> list[Difference]:
    """Field by field when both sides are objects of the same fields."""
    if recorded == repeated:
        return []
    if isinstance(recorded, dict) and isinstance(repeated, dict) and recorded.keys() == repeated.keys():
        return [
            Difference(f"{what}.{name}", str(recorded[name]), str(repeated[name]))
            for name in recorded
            if recorded[name] != repeated[name]
        ]
    return [Difference(what, str(recorded), str(repeated))]
