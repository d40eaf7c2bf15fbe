"""Composition root of the risk workers of the standard lane. They also begin every application, whatever its lane."""

from fundline.contracts.topics import APPLICATIONS_CREATED, RISK_SCORING_REQUESTED, Group
from fundline.platform.kafka.messages import Subscription
from fundline.platform.process import Service, run_process
from fundline.platform.telemetry.metrics import Metrics
from fundline.services.risk_worker.settings import Settings
from fundline.services.risk_worker.wiring import open_pool


def main() -> None:
    settings = Settings()

    async def build(metrics: Metrics) -> Service:
        pool = await open_pool(settings, metrics)
        intake = Subscription(APPLICATIONS_CREATED, pool.handlers.application_created)
        standard = Subscription(RISK_SCORING_REQUESTED, pool.handlers.scoring_requested)
        return pool.service(
            {
                "intake": pool.consumer(Group.RISK_INTAKE, intake, concurrency=settings.intake_concurrency),
                "consumer": pool.consumer(Group.RISK_WORKER, standard),
            }
        )

    run_process(settings, build)


if __name__ == "__main__":
    main()
