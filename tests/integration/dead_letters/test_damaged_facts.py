"""Facts that were damaged in the database: two topics reach the risk worker, and a person finds one letter about it."""

import asyncio

import pytest
from prometheus_client import CollectorRegistry

from fundline.contracts.topics import (
    APPLICATIONS_CREATED,
    DEAD_LETTER_KEEPER,
    RISK_SCORING_REQUESTED,
    RISK_SCORING_REQUESTED_EXPRESS,
    Group,
)
from fundline.platform.cache import open_cache
from fundline.platform.kafka.consumer import ConsumerRuntime
from fundline.platform.kafka.keeping import KeepingConsumer
from fundline.platform.kafka.messages import Subscription
from fundline.platform.kafka.producer import EventProducer
from fundline.platform.secrets import SecretBox
from fundline.platform.settings import CacheSettings
from fundline.platform.telemetry.metrics import Metrics
from fundline.services.dead_letter_keeper.keeper import Keeper
from fundline.services.dead_letter_keeper.reading import TOPIC_OF
from fundline.services.event_router.lanes import Lanes
from fundline.services.event_router.relay import Relay
from support.kafka import running
from support.scoring import CHAMPION, Bench, packaged_model
from support.stored import submitted_application

pytestmark = pytest.mark.integration


def platform(settings, database, handlers):
    """Router, keeper and the risk worker's groups, for as long as the block runs."""
    producer, metrics = EventProducer(settings), Metrics(CollectorRegistry())
    doors = {
        Group.RISK_INTAKE: Subscription(APPLICATIONS_CREATED, handlers.application_created),
        Group.RISK_WORKER: Subscription(RISK_SCORING_REQUESTED, handlers.scoring_requested),
        Group.RISK_WORKER_EXPRESS: Subscription(RISK_SCORING_REQUESTED_EXPRESS, handlers.scoring_requested),
    }
    keep = Keeper(database, metrics, prefix=settings.topic_prefix).keep
    return running(
        Relay(settings, producer, Lanes(database, every_s=60), metrics),
        KeepingConsumer(settings, DEAD_LETTER_KEEPER, list(TOPIC_OF), keep=keep, metrics=metrics),
        *(
            ConsumerRuntime(settings, group, [door], producer=producer, metrics=metrics)
            for group, door in doors.items()
        ),
    )


async def test_damaged_facts_give_one_dead_letter_and_the_application_is_begun(
    settings, database, engines, account_key_file, owner
):
    """Both groups read the facts once, and a person found the same damage in two letters."""
    application_id = await submitted_application(database, SecretBox(account_key_file))
    await owner.execute(
        "update applications set business = business - 'naics' where application_id = $1", application_id
    )
    cache = await open_cache(CacheSettings(cache_url=engines.cache_url, cache_timeout_ms=1000))
    bench = Bench(database, cache, fallback=packaged_model(CHAMPION))
    async with platform(settings, database, bench.handlers()), asyncio.timeout(60):
        while not await database.fetch(
            "select from applications, dead_letters where status = 'risk_scoring' and state = 'open'"
        ):
            await asyncio.sleep(0.05)
    await bench.compute.close()
    await cache.close()
    (letter,) = await database.fetch("select * from dead_letters")
    assert letter["consumer_group"] in {Group.RISK_WORKER, Group.RISK_WORKER_EXPRESS}
    assert "the stored facts cannot be scored: Business: naics: Field required" in letter["cause"]
    assert letter["application_id"] == application_id
