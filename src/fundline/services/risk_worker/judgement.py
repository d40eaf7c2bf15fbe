"""Judging one application: the chosen model's score beside the simulated cash flow, then the policy. No transaction.

Invariant (fail closed): whatever goes wrong with a model ends in a referral with that reason, never in an approval
and never in a failed message. The other model of an experiment is scored in the shadow; it never decides.
"""

import asyncio
import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from fundline.domain.decision import Decision
from fundline.domain.exposure import Exposure
from fundline.domain.facts import ApplicantFacts
from fundline.domain.policy import CURRENT_POLICY, POLICIES
from fundline.domain.scoring import BadScore, CashFlowStress, ModelScore
from fundline.platform.telemetry.logs import get_log
from fundline.risk import evidence
from fundline.risk.cashflow import seed_of
from fundline.risk.evidence import Inputs
from fundline.risk.features import FeatureError, FeatureValues, features_of_application
from fundline.risk.model import Model, model_score
from fundline.services.risk_worker.compute import Compute
from fundline.services.risk_worker.experiment import Choice
from fundline.services.risk_worker.model_client import BadModelAnswer, ModelAway
from fundline.services.risk_worker.score_cache import ScoreCache


class Scorer(Protocol):
    async def score(self, version: str, features: FeatureValues) -> ModelScore:
        """Raises ModelAway or BadModelAnswer."""


class Chooser(Protocol):
    def choose(self, applicant: str) -> Choice: ...


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom the judgement is about. `applicant` is the token's subject: one person always meets the same model.

    `exposure`: what is open or paid beside this application, as it stood when its scoring began.
    """

    application_id: UUID
    applicant: str
    facts: ApplicantFacts
    exposure: Exposure | None


@dataclass(frozen=True, slots=True)
class Judgement:
    """`shadow` is what the other model would have led to: a record for comparison, None when none was asked."""

    inputs: Inputs
    decision: Decision
    shadow: Mapping[str, Any] | None

    def evidence(self) -> bytes:
        return evidence.to_json(self.inputs, self.decision)


class Judge:
    """`fallback` is the scorecard in this process; None when its artefact was refused: then a person decides."""

    def __init__(
        self,
        scorer: Scorer,
        chooser: Chooser,
        compute: Compute,
        cache: ScoreCache,
        *,
        fallback: Model | None,
        paths: int,
        policy_version: str = CURRENT_POLICY.version,
    ) -> None:
        self._scorer, self._chooser, self._compute, self._cache = scorer, chooser, compute, cache
        self._fallback, self._paths, self._policy = fallback, paths, POLICIES[policy_version]
        self._log = get_log()

    async def judge(self, subject: Subject) -> Judgement:
        choice = self._chooser.choose(subject.applicant)
        cached = await self._cache.find(subject.application_id, subject.facts, choice, self._policy.version)
        if cached is not None:
            inputs, shadow = cached
            inputs = dataclasses.replace(inputs, exposure=subject.exposure)  # never an earlier one
            return Judgement(inputs, inputs.decide(), shadow)
        judgement = await self._judge(subject, choice)
        if judgement.inputs.fallback_because is None and judgement.inputs.score is not None:
            await self._cache.keep(subject.application_id, choice, judgement.evidence(), judgement.shadow)
        return judgement

    async def _judge(self, subject: Subject, choice: Choice) -> Judgement:
        simulating = asyncio.create_task(self._simulate(subject))
        try:
            features = features_of_application(subject.facts)
        except FeatureError as error:
            inputs = self._inputs(subject, choice, await simulating, no_score_because=str(error))
            return Judgement(inputs, inputs.decide(), None)
        asking = asyncio.create_task(self._ask(choice.version, features))
        shadow_score: ModelScore | str | None = None
        if choice.shadow is not None and choice.shadow != choice.version:
            shadow_score = await self._ask(choice.shadow, features)
        answer, stress = await asking, await simulating
        inputs = self._inputs(subject, choice, stress, features=features)
        if isinstance(answer, ModelScore):
            inputs = dataclasses.replace(inputs, score=answer)
        else:
            inputs = self._fallen_back(inputs, features, cause=answer)
        return Judgement(inputs, inputs.decide(), self._shadow(inputs, choice, shadow_score))

    def _inputs(
        self,
        subject: Subject,
        choice: Choice,
        stress: CashFlowStress | None,
        *,
        features: FeatureValues | None = None,
        no_score_because: str | None = None,
    ) -> Inputs:
        return Inputs(
            facts=subject.facts,
            features=features,
            asked=choice.version,
            score=None,
            stress=stress,
            policy_version=self._policy.version,
            no_score_because=no_score_because,
            exposure=subject.exposure,
        )

    async def _simulate(self, subject: Subject) -> CashFlowStress | None:
        seed = seed_of(subject.application_id)
        return await self._compute.run(
            evidence.stress_of, subject.facts, self._policy, seed=seed, paths=self._paths
        )

    async def _ask(self, version: str, features: FeatureValues) -> ModelScore | str:
        """The score, or why there is none."""
        try:
            return await self._scorer.score(version, features)
        except (ModelAway, BadModelAnswer) as failure:
            self._log.warning("model.not_answered", model_version=version, cause=str(failure))
            return str(failure) or type(failure).__name__

    def _fallen_back(self, inputs: Inputs, features: FeatureValues, *, cause: str) -> Inputs:
        if self._fallback is None:
            return dataclasses.replace(inputs, no_score_because=cause, fallback_because=cause)
        try:
            (answer,) = self._fallback.answer([features])
            score = model_score(
                self._fallback.version,
                self._fallback.base_rate,
                answer,
                features,
                digest=self._fallback.digest,
            )
        except BadScore as error:
            return dataclasses.replace(inputs, no_score_because=str(error), fallback_because=cause)
        return dataclasses.replace(inputs, score=score, fallback_because=cause)

    def _shadow(
        self, inputs: Inputs, choice: Choice, answer: ModelScore | str | None
    ) -> Mapping[str, Any] | None:
        if answer is None:
            return None
        if isinstance(answer, str):
            return {"modelVersion": choice.shadow, "riskScore": None, "verdict": None, "error": answer}
        other = dataclasses.replace(inputs, score=answer, fallback_because=None, no_score_because=None)
        decision = other.decide()
        return {
            "modelVersion": answer.version,
            "riskScore": str(decision.risk_score),
            "verdict": decision.status,
            "error": None,
        }
