"""Composition root of the notification service: its consumer, its courier and its API in one process."""

from fundline.contracts.topics import DISBURSEMENT_COMPLETED, STATUS_UPDATED, Group
from fundline.platform.database import open_database
from fundline.platform.database.suspects import SuspectRows
from fundline.platform.http.api import api
from fundline.platform.http.endpoints import served
from fundline.platform.http.tokens import TokenVerifier
from fundline.platform.kafka.consumer import ConsumerRuntime
from fundline.platform.kafka.messages import Subscription
from fundline.platform.kafka.producer import EventProducer
from fundline.platform.process import Service, run_process
from fundline.platform.telemetry.metrics import Metrics
from fundline.services.notification_service.delivery_desk import DeliveryDesk
from fundline.services.notification_service.endpoints import Endpoints
from fundline.services.notification_service.handlers import PaymentFinished, StatusChanged
from fundline.services.notification_service.outbound_targets import OutboundTargets
from fundline.services.notification_service.preferences import PreferenceDesk
from fundline.services.notification_service.routes import bound
from fundline.services.notification_service.settings import Settings
from fundline.services.notification_service.wiring import open_announcement, open_delivering


def main() -> None:
    settings = Settings()

    async def build(metrics: Metrics) -> Service:
        database = await open_database(settings)
        delivering = open_delivering(database, settings, metrics)
        courier = delivering.courier
        announcement = open_announcement(database, settings, delivering, metrics)
        consumer = ConsumerRuntime(
            settings,
            Group.NOTIFICATION_SERVICE,
            [
                Subscription(STATUS_UPDATED, StatusChanged(announcement)),
                Subscription(DISBURSEMENT_COMPLETED, PaymentFinished(announcement)),
            ],
            producer=EventProducer(settings),
            metrics=metrics,
            suspects=SuspectRows(database, Group.NOTIFICATION_SERVICE),
        )
        endpoints = Endpoints(database, settings, OutboundTargets(delivering.client), delivering.box)
        desk = DeliveryDesk(database, endpoints, wake=courier.wake)
        offered = bound(
            endpoints, desk, PreferenceDesk(database, wake=delivering.courier.wake), delivering.box
        )
        return Service(
            app=api(served(TokenVerifier(settings), offered)),
            background=[consumer, courier, delivering.queue_figures],
            database=database,
            checks={"consumer": consumer.ready},
            close=[delivering.client.close, database.close],
        )

    run_process(settings, build)


if __name__ == "__main__":
    main()
