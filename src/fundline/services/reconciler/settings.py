from typing import Annotated

from pydantic import Field

from fundline.banks.settings import BankSettings
from fundline.platform.settings import DatabaseSettings, KafkaSettings
from fundline.records.cached import StatusCacheSettings


class Settings(BankSettings, DatabaseSettings, StatusCacheSettings, KafkaSettings):
    database_pool_size: Annotated[int, Field(ge=1, le=100)] = 2
    reconciler_every_s: Annotated[float, Field(gt=0)] = 30.0
    """Pause between two runs."""
    reconciler_lock_id: int = 7_204_011
    """The advisory lock of a run; the same for all reconcilers of one database."""
    reconciler_attempts: Annotated[int, Field(ge=1, le=10)] = 3
    """How often one state of an application is helped on, each time its deadline passes, before a person gets it."""
    reconciler_batch: Annotated[int, Field(ge=1, le=10_000)] = 100
    """Most things of one kind that a run handles: after an outage, the workers get their work in portions."""
    reconciler_outbox_limit_s: Annotated[float, Field(gt=0)] = 60.0
    """Age of the oldest event in the outbox past which a case is opened."""
    reconciler_consumers_every_s: Annotated[float, Field(gt=0)] = 2.0
    """Pause between two looks at the consumer groups."""
    reconciler_consumer_patience_s: Annotated[float, Field(gt=0)] = 10.0
    """How long a group may have work and no member, or stand still before an old message, before it is a case."""
    reconciler_old_message_s: Annotated[float, Field(gt=0)] = 120.0
    """Age past which a message that waits in Kafka is old: longer than any retry waits."""
    reconciler_bank_timeout_s: Annotated[float, Field(gt=0, le=60)] = 10.0
    """Longest wait for one page of the bank's statement."""
    reconciler_bank_grace_s: Annotated[float, Field(ge=0)] = 60.0
    """How long a difference from the bank's statement may be what is on its way."""
    reconciler_bank_lookback_h: Annotated[int, Field(ge=1)] = 48
    """Payments that settled before that are compared by a full run only; their lines have been matched."""
    reconciler_statement_page: Annotated[int, Field(ge=1, le=1000)] = 500
    """Lines asked for at once."""
    reconciler_full_every_h: Annotated[float, Field(gt=0)] = 24.0
    """How often a run of the process is a full one: the whole statement again, from its first line."""
    reconciler_cache_sample: Annotated[int, Field(ge=1, le=10_000)] = 200
    """Applications whose cached status a run compares: those that changed last, and as many from a random place."""
    reconciler_cache_grace_s: Annotated[float, Field(ge=0)] = 5.0
    """How long the cache may lag behind the database."""
    reconciler_tell_within_h: Annotated[float, Field(ge=0, le=168)] = 24.0
    """Age of a change past which an owner who was not told of it, because its event died, is not told any more."""
    reconciler_tell_pause_s: Annotated[float, Field(ge=0)] = 300.0
    """Pause between two attempts to have an owner told; as many as `reconciler_attempts`."""
    reconciler_runs_kept_days: Annotated[int, Field(ge=1)] = 30
    """How long the records of runs are kept."""
