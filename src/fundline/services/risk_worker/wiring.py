"""What every pool of risk workers is made of; a main adds the topics it consumes."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from fundline.contracts.topics import Group
from fundline.platform.cache import open_cache
from fundline.platform.database import Database, open_database
from fundline.platform.database.suspects import SuspectRows
from fundline.platform.flags import open_flags
from fundline.platform.kafka.consumer import ConsumerRuntime
from fundline.platform.kafka.messages import Subscription
from fundline.platform.kafka.producer import EventProducer
from fundline.platform.process import Background, Service
from fundline.platform.settings import KafkaSettings
from fundline.platform.telemetry.logs import get_log
from fundline.platform.telemetry.metrics import Metrics
from fundline.risk.artefact import MODELS_DIRECTORY, ModelRefused, load_model
from fundline.risk.model import Model
from fundline.services.risk_worker.compute import Compute
from fundline.services.risk_worker.experiment import BUILT_IN_CHAMPION, Experiment, TrippedVersions
from fundline.services.risk_worker.guardrail import Guardrail
from fundline.services.risk_worker.handlers import Handlers
from fundline.services.risk_worker.judgement import Judge
from fundline.services.risk_worker.model_client import ModelClient
from fundline.services.risk_worker.score_cache import ScoreCache
from fundline.services.risk_worker.scoring import Scoring
from fundline.services.risk_worker.settings import Settings


@dataclass(frozen=True)
class Pool:
    settings: Settings
    metrics: Metrics
    database: Database
    handlers: Handlers
    producer: EventProducer
    background: Sequence[Background]
    close: Sequence[Callable[[], Awaitable[None]]]

    def consumer(
        self, group: Group, subscription: Subscription, *, concurrency: int | None = None
    ) -> ConsumerRuntime:
        """A consumer with a limit of its own; that of the settings when none is given."""
        settings: KafkaSettings = self.settings
        if concurrency is not None:
            settings = settings.model_copy(update={"consumer_concurrency": concurrency})
        return ConsumerRuntime(
            settings,
            group,
            [subscription],
            producer=self.producer,
            metrics=self.metrics,
            suspects=SuspectRows(self.database, group),
        )

    def service(self, consumers: dict[str, ConsumerRuntime]) -> Service:
        """`consumers` by the name of their readiness check."""
        return Service(
            background=[*self.background, *consumers.values()],
            database=self.database,
            checks={name: consumer.ready for name, consumer in consumers.items()},
            close=self.close,
        )


async def open_pool(settings: Settings, metrics: Metrics) -> Pool:
    database = await open_database(settings)
    cache = await open_cache(settings)
    flags = await open_flags(settings, metrics)
    models = ModelClient(settings.model_url, metrics, timeout_s=settings.model_timeout_s)
    compute = Compute(settings.compute_threads)
    tripped = TrippedVersions(database)
    experiment = Experiment(flags, tripped, metrics)
    judge = Judge(
        models,
        experiment,
        compute,
        ScoreCache(cache, metrics, cached_s=settings.risk_score_cached_s),
        fallback=fallback_model(),
        paths=settings.simulation_paths,
    )
    return Pool(
        settings=settings,
        metrics=metrics,
        database=database,
        handlers=Handlers(Scoring(database, judge, metrics)),
        producer=EventProducer(settings),
        background=[tripped, Guardrail(settings, experiment, metrics)],
        close=[compute.close, models.close, flags.close, cache.close, database.close],
    )


def fallback_model() -> Model | None:
    """The scorecard for when the model service is away; without it such applications have no score at all."""
    try:
        return load_model(MODELS_DIRECTORY / BUILT_IN_CHAMPION)
    except ModelRefused as refused:
        get_log().error("model.refused", model_version=BUILT_IN_CHAMPION, cause=str(refused))
        return None
