from typing import Annotated

from pydantic import Field

from fundline.platform.settings import DatabaseSettings, KafkaSettings, TokenSettings
from fundline.records.cached import StatusCacheSettings


class Settings(DatabaseSettings, KafkaSettings, StatusCacheSettings, TokenSettings):
    streams_limit: Annotated[int, Field(ge=1, le=100_000)] = 20_000
    """Open streams of this instance; one more is refused with 503."""
    stream_queue: Annotated[int, Field(ge=1, le=10_000)] = 64
    """Changes that may wait for a slow reader before its stream is closed."""
    stream_heartbeat_s: Annotated[float, Field(gt=0)] = 5.0
    """Silence twice as long tells a client, and the gateway, that nobody is at the other end. Also how long a stream
    may go on unseen after its reader has left."""
    stream_send_timeout_s: Annotated[float, Field(gt=0)] = 10.0
    """A stream whose reader takes nothing for this long is closed."""
    stream_catch_up_s: Annotated[float, Field(gt=0)] = 10.0
    """How often open streams are compared with the database, in case a message of the fan-out was lost."""
    stream_retry_ms: Annotated[int, Field(ge=100)] = 1000
    """What a browser waits before it reconnects."""
