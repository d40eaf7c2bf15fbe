"""What the status service is made of: the same for the process and in tests."""

from fundline.contracts.topics import DISBURSEMENT_COMPLETED, STATUS_UPDATED, Group
from fundline.platform.cache import open_cache
from fundline.platform.database import open_database
from fundline.platform.database.suspects import SuspectRows
from fundline.platform.http.api import api
from fundline.platform.http.endpoints import served
from fundline.platform.http.tokens import TokenVerifier
from fundline.platform.kafka.consumer import ConsumerRuntime
from fundline.platform.kafka.messages import Subscription
from fundline.platform.kafka.producer import EventProducer
from fundline.platform.process import Service
from fundline.platform.telemetry.metrics import Metrics
from fundline.services.status_api.catch_up import FanOutFeed
from fundline.services.status_api.fan_out import FanOut
from fundline.services.status_api.live import LiveStatus
from fundline.services.status_api.reading import References, StatusReading
from fundline.services.status_api.routes import bound
from fundline.services.status_api.settings import Settings
from fundline.services.status_api.write_through import WriteThrough


async def build(settings: Settings, metrics: Metrics) -> Service:
    database = await open_database(settings)
    cache = await open_cache(settings)
    references = References(database)
    reading = StatusReading(database, cache, references, metrics, cached_s=settings.status_cached_s)
    fan_out = FanOut(queue_limit=settings.stream_queue, streams_limit=settings.streams_limit)
    live = LiveStatus(database, fan_out, references, settings, metrics)
    write_through = WriteThrough(cache, reading, metrics, cached_s=settings.status_cached_s)
    consumer = ConsumerRuntime(
        settings,
        Group.STATUS_SERVICE,
        [
            Subscription(STATUS_UPDATED, write_through.status_updated),
            Subscription(DISBURSEMENT_COMPLETED, write_through.disbursement_completed),
        ],
        producer=EventProducer(settings),
        metrics=metrics,
        suspects=SuspectRows(database, Group.STATUS_SERVICE),
    )
    tokens = TokenVerifier(settings)
    return Service(
        app=api(served(tokens, bound(reading, live, tokens, settings))),
        background=[consumer, FanOutFeed(database, fan_out, settings), write_through.missed],
        database=database,  # without Kafka or the cache a status is still answered
        close=[cache.close, database.close],
        on_drain=fan_out.drain,
    )
