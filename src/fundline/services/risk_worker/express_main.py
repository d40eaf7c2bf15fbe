"""Composition root of the risk workers of the express lane: small amounts, which never wait behind large ones."""

from fundline.contracts.topics import RISK_SCORING_REQUESTED_EXPRESS, Group
from fundline.platform.kafka.messages import Subscription
from fundline.platform.process import Service, run_process
from fundline.platform.telemetry.metrics import Metrics
from fundline.services.risk_worker.settings import Settings
from fundline.services.risk_worker.wiring import open_pool


def main() -> None:
    settings = Settings()

    async def build(metrics: Metrics) -> Service:
        pool = await open_pool(settings, metrics)
        express = Subscription(RISK_SCORING_REQUESTED_EXPRESS, pool.handlers.scoring_requested)
        return pool.service({"consumer": pool.consumer(Group.RISK_WORKER_EXPRESS, express)})

    run_process(settings, build)


if __name__ == "__main__":
    main()
