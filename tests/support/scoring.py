"""Scoring for tests: the real judge over the real models, with a scorer of this process for the service."""

from collections.abc import Callable
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry

from fundline.domain.scoring import ModelScore
from fundline.platform.cache import Cache
from fundline.platform.database import Database
from fundline.platform.telemetry.metrics import Metrics
from fundline.risk.artefact import MODELS_DIRECTORY, load_model
from fundline.risk.features import FeatureValues
from fundline.risk.model import Model, model_score
from fundline.services.risk_worker.compute import Compute
from fundline.services.risk_worker.experiment import Choice
from fundline.services.risk_worker.handlers import Handlers
from fundline.services.risk_worker.judgement import Judge
from fundline.services.risk_worker.score_cache import ScoreCache
from fundline.services.risk_worker.scoring import Scoring

PATHS = 1000
"""Enough to decide by; the real number only costs time here."""
CHAMPION, CHALLENGER = "scorecard-2", "lightgbm-1"


def packaged_model(version: str) -> Model:
    return load_model(MODELS_DIRECTORY / version)


@dataclass
class LocalScorer:
    """Answers with the packaged models. `trouble` is called first and may raise, or wait."""

    trouble: Callable[[str], None] = lambda _version: None
    asked: list[str] = field(default_factory=list)

    async def score(self, version: str, features: FeatureValues) -> ModelScore:
        self.asked.append(version)
        self.trouble(version)
        model = packaged_model(version)
        (answer,) = model.answer([features])
        return model_score(version, model.base_rate, answer, features, digest=model.digest)


@dataclass
class FixedChooser:
    """Everybody meets the same model."""

    version: str = CHAMPION
    shadow: str | None = None

    def choose(self, _applicant: str) -> Choice:
        return Choice(version=self.version, role="champion", variant=self.version, shadow=self.shadow)


@dataclass
class Bench:
    """A risk worker's inside: change `scorer` and `chooser` between events."""

    database: Database
    cache: Cache
    fallback: Model | None
    compute: Compute = field(default_factory=lambda: Compute(1))
    scorer: LocalScorer = field(default_factory=LocalScorer)
    chooser: FixedChooser = field(default_factory=FixedChooser)
    metrics: Metrics = field(default_factory=lambda: Metrics(CollectorRegistry()))

    def scoring(self) -> Scoring:
        judge = Judge(
            self.scorer,
            self.chooser,
            self.compute,
            ScoreCache(self.cache, self.metrics, cached_s=3600),
            fallback=self.fallback,
            paths=PATHS,
        )
        return Scoring(self.database, judge, self.metrics)

    def handlers(self) -> Handlers:
        return Handlers(self.scoring())
