"""What a reconciler is made of: the same for the process and for `fundline reconcile`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from fundline.banks.opening import open_bank
from fundline.contracts.topics import topics_by_group
from fundline.platform.cache import Cache, open_cache
from fundline.platform.database import Database, open_database
from fundline.platform.kafka.groups import GroupWatch
from fundline.platform.telemetry.metrics import Metrics
from fundline.services.reconciler.bank import BankComparison
from fundline.services.reconciler.consumers import ConsumersProgress, ConsumerWatch
from fundline.services.reconciler.findings import Check
from fundline.services.reconciler.letters import DeadLetters
from fundline.services.reconciler.outbox import OutboxMoves
from fundline.services.reconciler.overdue import OverdueStates
from fundline.services.reconciler.reconciler import Reconciler
from fundline.services.reconciler.records import Records
from fundline.services.reconciler.settings import Settings
from fundline.services.reconciler.statement import Statement
from fundline.services.reconciler.status_cache import StatusCache


@dataclass(frozen=True, slots=True)
class Opened:
    reconciler: Reconciler
    consumers: ConsumerWatch
    database: Database


@asynccontextmanager
async def open_reconciler(settings: Settings, metrics: Metrics) -> AsyncIterator[Opened]:
    """Raises DatabaseUnavailable. A bank or a cache that is away is told by each run."""
    database = await open_database(settings)
    cache = await open_cache(settings)
    bank = open_bank(settings, metrics, name="bank-statement", timeout_s=settings.reconciler_bank_timeout_s)
    statement = Statement(database, bank, page=settings.reconciler_statement_page)
    groups = GroupWatch(settings.kafka_bootstrap, topics_by_group(), prefix=settings.topic_prefix)
    consumers = ConsumersProgress(
        database,
        groups,
        metrics,
        patience_s=settings.reconciler_consumer_patience_s,
        old_s=settings.reconciler_old_message_s,
        can_tell=settings.kafka_dialect == "kafka",
    )
    checks = _checks(settings, metrics, database, cache, statement, consumers)
    try:
        yield Opened(
            Reconciler(settings, database, checks, metrics),
            ConsumerWatch(consumers, every_s=settings.reconciler_consumers_every_s),
            database,
        )
    finally:
        for close in (bank.close, cache.close, database.close):
            await close()
        groups.close()


def _checks(
    settings: Settings,
    metrics: Metrics,
    database: Database,
    cache: Cache,
    statement: Statement,
    consumers: ConsumersProgress,
) -> tuple[Check, ...]:
    batch = settings.reconciler_batch
    return (
        OutboxMoves(database, metrics, limit_s=settings.reconciler_outbox_limit_s),
        OverdueStates(database, attempts=settings.reconciler_attempts, batch=batch),
        DeadLetters(
            database,
            attempts=settings.reconciler_attempts,
            batch=batch,
            tell_within=timedelta(hours=settings.reconciler_tell_within_h),
            pause=timedelta(seconds=settings.reconciler_tell_pause_s),
        ),
        BankComparison(
            database,
            statement,
            grace_s=settings.reconciler_bank_grace_s,
            lookback_h=settings.reconciler_bank_lookback_h,
            batch=batch,
        ),
        Records(database, batch=batch),
        StatusCache(
            database,
            cache,
            cached_s=settings.status_cached_s,
            sample=settings.reconciler_cache_sample,
            grace_s=settings.reconciler_cache_grace_s,
        ),
        consumers,
    )
