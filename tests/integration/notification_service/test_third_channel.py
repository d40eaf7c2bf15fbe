"""A third channel costs its class, a migration and its line in the wiring: told, queued, delivered, counted."""

import asyncio
from datetime import timedelta

import asyncpg
import pytest
from prometheus_client import CollectorRegistry

from fundline.platform.telemetry.metrics import Metrics
from fundline.services.notification_service.announcement import Announcement
from fundline.services.notification_service.channel import Channels
from fundline.services.notification_service.courier import Courier
from fundline.services.notification_service.queue_figures import QueueFigures
from fundline.services.notification_service.recording import DeliveryBook
from support.notifications import Notifier
from support.third_channel import MIGRATION, ShortMessages

pytestmark = pytest.mark.integration


@pytest.fixture
async def messages(engines, database_url) -> ShortMessages:
    owner = engines.stack.postgres.owner_url.rpartition("/")[0] + "/" + database_url.rpartition("/")[2]
    connection = await asyncpg.connect(owner)
    try:
        await connection.execute(MIGRATION)
    finally:
        await connection.close()
    return ShortMessages({"alice": "+15550100"})


async def test_a_third_channel_is_told_queued_delivered_and_counted(
    service: Notifier, settings, messages, application_id
):
    database, channels, metrics = service.database, Channels(messages), Metrics(CollectorRegistry())
    announcement = Announcement(database, channels, told_within=timedelta(days=36_500), metrics=metrics)
    told = Notifier(
        database, service.delivering, announcement, service.http, metrics, service.stop, service.running
    )
    event = await told.status(application_id, "approved", 3)
    await told.deliver(event)
    (row,) = await told.rows()
    assert (row["channel"], row["recipient"], row["state"]) == ("sms", "alice", "waiting")

    await asyncio.sleep(0.2)
    assert [row["state"] for row in await told.rows()] == ["waiting"], "who does not know it leaves it alone"

    limits = settings()
    figures = QueueFigures(database, limits, channels, metrics)
    await figures.turn()
    assert metrics.registry.get_sample_value("fundline_notification_queue_depth", {"channel": "sms"}) == 1

    book = DeliveryBook(database, limits, channels)
    courier, stop = Courier(database, limits, channels, book, metrics), asyncio.Event()
    running = asyncio.create_task(courier.run(stop))
    await told.until_state("delivered")
    stop.set()
    courier.wake()
    await running
    assert [number for number, _ in messages.sent] == ["+15550100"]
    (line,) = await told.until_attempts(1)
    assert (line["result"], line["attempt"]) == ("delivered", 1)
