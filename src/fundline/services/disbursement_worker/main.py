"""Composition root of the disbursement worker."""

from fundline.contracts.topics import DISBURSEMENT_REQUESTED, RISK_SCORING_COMPLETED, Group
from fundline.platform.database import open_database
from fundline.platform.http.client import JsonClient
from fundline.platform.kafka.consumer import ConsumerRuntime
from fundline.platform.kafka.messages import Subscription
from fundline.platform.kafka.producer import EventProducer
from fundline.platform.process import Service, run_process
from fundline.platform.secrets import SecretBox
from fundline.platform.telemetry.metrics import Metrics
from fundline.services.disbursement_worker.handlers import PaymentRequested, ScoringCompleted
from fundline.services.disbursement_worker.payment_gateway import SandboxBank
from fundline.services.disbursement_worker.results import ResultBook
from fundline.services.disbursement_worker.settings import Settings
from fundline.services.disbursement_worker.use_cases import Payout


def main() -> None:
    settings = Settings()

    async def build(metrics: Metrics) -> Service:
        secrets = SecretBox(settings.account_key_file)
        database = await open_database(settings)
        client = JsonClient(settings.bank_url, timeout_s=settings.bank_timeout_s)
        bank = SandboxBank(client, metrics)
        payout = Payout(database, bank, secrets, ResultBook(database, metrics))
        within_s = settings.payment_resolution_s
        consumer = ConsumerRuntime(
            settings,
            Group.DISBURSEMENT_WORKER,
            [
                Subscription(RISK_SCORING_COMPLETED, ScoringCompleted(payout, within_s=within_s)),
                Subscription(DISBURSEMENT_REQUESTED, PaymentRequested(payout, within_s=within_s)),
            ],
            producer=EventProducer(settings),
            metrics=metrics,
        )
        return Service(
            background=[consumer.run],
            checks={"database": database.is_ready, "consumer": consumer.ready},
            close=[client.close, database.close],
            before_scrape=lambda: metrics.observe_pool(database.connections()),
        )

    run_process(settings, build)


if __name__ == "__main__":
    main()
