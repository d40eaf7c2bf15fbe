"""Composition root of the disbursement worker."""

from fundline.banks.opening import open_bank
from fundline.contracts.topics import DISBURSEMENT_REQUESTED, RISK_SCORING_COMPLETED, Group
from fundline.platform.database import open_database
from fundline.platform.database.suspects import SuspectRows
from fundline.platform.flags import open_flags
from fundline.platform.http.api import api
from fundline.platform.kafka.consumer import ConsumerRuntime
from fundline.platform.kafka.messages import Subscription
from fundline.platform.kafka.producer import EventProducer
from fundline.platform.process import Service, run_process
from fundline.platform.telemetry.metrics import Metrics
from fundline.services.disbursement_worker.bank_events import BankEvents, bank_event_routes
from fundline.services.disbursement_worker.handlers import PaymentRequested, ScoringCompleted
from fundline.services.disbursement_worker.settings import Settings
from fundline.services.disbursement_worker.worker import make_worker


def main() -> None:
    settings = Settings()

    async def build(metrics: Metrics) -> Service:
        database = await open_database(settings)
        flags = await open_flags(settings, metrics)
        bank = open_bank(
            settings,
            metrics,
            timeout_s=settings.bank_timeout_s,
            open_for_s=settings.bank_breaker_open_s,
            probe_lasts_s=settings.probe_lasts_s,
        )
        worker = make_worker(settings, database, flags, bank, metrics)
        events = BankEvents(database, worker.results, settings.bank_webhook_secret_file, metrics)
        consumer = ConsumerRuntime(
            settings,
            Group.DISBURSEMENT_WORKER,
            [
                Subscription(RISK_SCORING_COMPLETED, ScoringCompleted(worker.payments)),
                Subscription(DISBURSEMENT_REQUESTED, PaymentRequested(worker.payments, worker.desk)),
            ],
            producer=EventProducer(settings),
            metrics=metrics,
            suspects=SuspectRows(database, Group.DISBURSEMENT_WORKER),
        )
        return Service(
            app=api(bank_event_routes(events)),
            background=[consumer, worker.sweep],
            database=database,
            checks={"consumer": consumer.ready},
            close=[bank.close, flags.close, database.close],
        )

    run_process(settings, build)


if __name__ == "__main__":
    main()
