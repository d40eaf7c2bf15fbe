"""Composition root of the API's consumer: a process of its own, so that the API never shares its interpreter."""

from fundline.contracts.topics import RISK_SCORING_COMPLETED, Group
from fundline.platform.database import open_database
from fundline.platform.database.suspects import SuspectRows
from fundline.platform.kafka.consumer import ConsumerRuntime
from fundline.platform.kafka.messages import Subscription
from fundline.platform.kafka.producer import EventProducer
from fundline.platform.process import Service, run_process
from fundline.platform.telemetry.metrics import Metrics
from fundline.services.application_api.handlers import ScoringCompleted
from fundline.services.application_api.settings import EventsSettings


def main() -> None:
    settings = EventsSettings()

    async def build(metrics: Metrics) -> Service:
        database = await open_database(settings)
        consumer = ConsumerRuntime(
            settings,
            Group.APPLICATION_EVENTS,
            [Subscription(RISK_SCORING_COMPLETED, ScoringCompleted(database))],
            producer=EventProducer(settings),
            metrics=metrics,
            suspects=SuspectRows(database, Group.APPLICATION_EVENTS),
        )
        return Service(
            background=[consumer],
            database=database,
            checks={"consumer": consumer.ready},
            close=[database.close],
        )

    run_process(settings, build)


if __name__ == "__main__":
    main()
