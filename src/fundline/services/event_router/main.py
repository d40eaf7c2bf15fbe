"""Composition root of the event router."""

from fundline.platform.database import open_database
from fundline.platform.kafka.producer import EventProducer
from fundline.platform.process import Service, run_process
from fundline.platform.telemetry.metrics import Metrics
from fundline.services.event_router.anchoring import Anchoring, AnchorSettings
from fundline.services.event_router.housekeeping import Housekeeping
from fundline.services.event_router.lanes import Lanes
from fundline.services.event_router.relay import Relay
from fundline.services.event_router.settings import Settings


def main() -> None:
    settings = Settings()
    anchor_settings = AnchorSettings()

    async def build(metrics: Metrics) -> Service:
        database = await open_database(settings)
        lanes = Lanes(database, every_s=settings.lanes_every_s)
        await lanes.refresh()
        relay = Relay(settings, EventProducer(settings), lanes, metrics)
        housekeeping = Housekeeping(settings, database, lambda: relay.is_leading)
        anchoring = Anchoring(anchor_settings, database, metrics)
        return Service(
            background=[relay, lanes, housekeeping, anchoring],
            database=database,
            close=[database.close],
        )

    run_process(settings, build)


if __name__ == "__main__":
    main()
