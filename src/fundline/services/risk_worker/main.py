"""Composition root of the risk worker."""

from fundline.contracts.topics import APPLICATIONS_CREATED, RISK_SCORING_REQUESTED, Group
from fundline.platform.database import open_database
from fundline.platform.kafka.consumer import ConsumerRuntime
from fundline.platform.kafka.messages import Subscription
from fundline.platform.kafka.producer import EventProducer
from fundline.platform.process import Service, run_process
from fundline.platform.telemetry.metrics import Metrics
from fundline.services.risk_worker.handlers import Handlers
from fundline.services.risk_worker.settings import Settings
from fundline.services.risk_worker.use_cases import Scoring


def main() -> None:
    settings = Settings()

    async def build(metrics: Metrics) -> Service:
        database = await open_database(settings)
        handlers = Handlers(Scoring(database, metrics))
        consumer = ConsumerRuntime(
            settings,
            Group.RISK_WORKER,
            [
                Subscription(APPLICATIONS_CREATED, handlers.application_created),
                Subscription(RISK_SCORING_REQUESTED, handlers.scoring_requested),
            ],
            producer=EventProducer(settings),
            metrics=metrics,
        )
        return Service(
            background=[consumer.run],
            checks={"database": database.is_ready, "consumer": consumer.ready},
            close=[database.close],
            before_scrape=lambda: metrics.observe_pool(database.connections()),
        )

    run_process(settings, build)


if __name__ == "__main__":
    main()
