"""The evidence of a decision: all that it rested on, frozen as JSON, and the way to repeat it.

Decimals travel as text, so that what is read back is what was decided on, to the last digit.
"""

import dataclasses
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import orjson

from fundline.domain.decision import Decision, decide
from fundline.domain.exposure import Exposure, Shared
from fundline.domain.facts import ApplicantFacts
from fundline.domain.policy import POLICIES, Policy
from fundline.domain.repayment import monthly_instalment
from fundline.domain.scoring import CashFlowStress, Contribution, ModelScore
from fundline.risk import cashflow
from fundline.risk.features import Value

SCHEMA = 2
_FACT_DECIMALS = (
    "amount",
    "sector_volatility",
    "annual_revenue",
    "operating_margin",
    "monthly_debt_service",
    "cash_at_bank",
)
_COMPARED = ("capacity", "rules", "decision", "engines")


class UnreadableEvidence(ValueError):
    """The stored evidence is of another schema or was damaged."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a decision is made of. `features` None: the facts do not form features, `no_score_because` says why.

    `asked` is the version the experiment chose, `fallback_because` why another one had to answer. `exposure` None:
    nobody looked, as for all decisions before policy 3.
    """

    facts: ApplicantFacts
    features: Mapping[str, Value] | None
    asked: str
    score: ModelScore | None
    stress: CashFlowStress | None
    policy_version: str
    fallback_because: str | None = None
    no_score_because: str | None = None
    exposure: Exposure | None = None

    def decide(self, policies: Mapping[str, Policy] = POLICIES) -> Decision:
        """Raises KeyError on a policy that is not known (any more)."""
        return decide(
            self.facts,
            score=self.score,
            stress=self.stress,
            policy=policies[self.policy_version],
            fallback_because=self.fallback_because,
            no_score_because=self.no_score_because,
            exposure=self.exposure,
        )


def stress_of(facts: ApplicantFacts, policy: Policy, *, seed: int, paths: int) -> CashFlowStress | None:
    """The simulation of this applicant under this policy's rate; None when a figure it needs is missing."""
    step = policy.instalment_step(facts.currency)
    instalment = monthly_instalment(facts.amount, facts.term_months, policy.annual_rate, step)
    flow = cashflow.cash_flow_of(facts, instalment)
    return None if flow is None else cashflow.simulate(flow, seed=seed, paths=paths)


def to_json(inputs: Inputs, decision: Decision) -> bytes:
    return orjson.dumps(
        {
            "schema": SCHEMA,
            "facts": dataclasses.asdict(inputs.facts),
            **_exposure_form(inputs.exposure),
            "features": None if inputs.features is None else dict(inputs.features),
            "asked": inputs.asked,
            "fallbackBecause": inputs.fallback_because,
            "noScoreBecause": inputs.no_score_because,
            "score": None if inputs.score is None else dataclasses.asdict(inputs.score),
            "stress": None if inputs.stress is None else dataclasses.asdict(inputs.stress),
            "policy": inputs.policy_version,
            "capacity": dataclasses.asdict(decision.capacity),
            "rules": [dataclasses.asdict(outcome) for outcome in decision.rule_outcomes],
            "decision": outcome_of(decision),
            "engines": engines(),
        },
        default=str,
    )


def _exposure_form(exposure: Exposure | None) -> dict[str, Any]:
    """No field at all where nobody looked: evidence from before policy 3 keeps its bytes."""
    return {} if exposure is None else {"exposure": dataclasses.asdict(exposure)}


def engines() -> dict[str, str]:
    return {"python": platform.python_version(), "numpy": np.__version__}


def outcome_of(decision: Decision) -> dict[str, Any]:
    """What was decided, in the form that is recorded and compared."""
    return {
        "status": decision.status,
        "riskScore": str(decision.risk_score),
        "reasons": [reason.code for reason in decision.principal_reasons],
    }


def from_json(text: str | bytes) -> tuple[Inputs, dict[str, Any]]:
    """The inputs, and everything as it was recorded. Raises UnreadableEvidence."""
    try:
        recorded: Any = orjson.loads(text)
        _check_form(recorded)
        inputs = Inputs(
            facts=_facts(recorded["facts"]),
            features=recorded["features"],
            asked=recorded["asked"],
            score=_score(recorded["score"]),
            stress=_stress(recorded["stress"]),
            policy_version=recorded["policy"],
            fallback_because=recorded["fallbackBecause"],
            no_score_because=recorded["noScoreBecause"],
            exposure=_exposure(recorded.get("exposure")),
        )
    except UnreadableEvidence:
        raise
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise UnreadableEvidence(f"The evidence cannot be read ({type(error).__name__}: {error}).") from error
    return inputs, recorded


def _check_form(recorded: Mapping[str, Any]) -> None:
    if recorded["schema"] != SCHEMA:
        raise UnreadableEvidence(f"The evidence has schema {recorded['schema']}, not {SCHEMA}.")
    missing = [name for name in _COMPARED if name not in recorded]
    if missing:
        raise UnreadableEvidence(f"The evidence lacks {', '.join(missing)}.")


def _facts(recorded: Mapping[str, Any]) -> ApplicantFacts:
    stated = [name for name in _FACT_DECIMALS if recorded.get(name) is not None]
    decimals = {name: Decimal(recorded[name]) for name in stated}
    return ApplicantFacts(**{**recorded, **decimals})


def _exposure(recorded: Mapping[str, Any] | None) -> Exposure | None:
    if recorded is None:
        return None
    amounts = {
        shared.value: {currency: Decimal(amount) for currency, amount in recorded[shared].items()}
        for shared in Shared
    }
    return Exposure(**amounts, repeats=recorded["repeats"])


def _score(recorded: Mapping[str, Any] | None) -> ModelScore | None:
    if recorded is None:
        return None
    return ModelScore(
        version=recorded["version"],
        probability=Decimal(recorded["probability"]),
        base_rate=Decimal(recorded["base_rate"]),
        base=Decimal(recorded["base"]),
        contributions=tuple(
            Contribution(one["feature"], one["observed"], Decimal(one["log_odds"]))
            for one in recorded["contributions"]
        ),
        digest=recorded["digest"],
    )


def _stress(recorded: Mapping[str, Any] | None) -> CashFlowStress | None:
    if recorded is None:
        return None
    return CashFlowStress(**{**recorded, "shortfall_probability": Decimal(recorded["shortfall_probability"])})


def plain(value: Any) -> Any:
    """As it looks after it was stored and read back."""
    return orjson.loads(orjson.dumps(value, default=str))
