from typing import Annotated

from pydantic import Field

from fundline.platform.settings import DatabaseSettings, KafkaSettings


class Settings(DatabaseSettings, KafkaSettings):
    database_pool_size: Annotated[int, Field(ge=1, le=100)] = 2
    router_poll_ms: Annotated[int, Field(ge=1, le=5000)] = 20
    """Pause of the active relay when the last batch was not full."""
    # Kafka answers each partition of a batch by itself: a full batch of 500 waits longer than it works.
    router_batch: Annotated[int, Field(ge=1, le=10_000)] = 2000
    """Most events of one transaction of the relay."""
    router_standby_poll_ms: Annotated[int, Field(ge=10, le=10_000)] = 300
    """How often a standing-by router tries to lead."""
    router_topic_hold_s: Annotated[float, Field(gt=0)] = 10.0
    """How long events of a topic that Kafka refuses (missing, not authorised) wait, so that those of others move."""
    router_lock_id: int = 7_204_001
    """The advisory lock that the active relay holds; the same for all routers of one database."""
    lanes_every_s: Annotated[float, Field(gt=0)] = 5.0
    """How often the rule of the lanes (`scoring_lanes`) is read again."""
    housekeeping_every_s: Annotated[float, Field(gt=0)] = 600.0
    """How often old inbox rows and idempotency keys are deleted."""
    inbox_kept_days: Annotated[int, Field(ge=1)] = 14
    """Longer than Kafka keeps a message, so that no redelivery can meet an emptied inbox."""
    idempotency_kept_hours: Annotated[int, Field(ge=24)] = 48
    """Life of an idempotency key."""
    quotas_kept_days: Annotated[int, Field(ge=8)] = 8
    """Counts of submissions; longer than any window of them lasts."""
