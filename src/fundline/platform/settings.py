"""Settings of every process. All come from the environment, with the prefix FUNDLINE_."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

Port = Annotated[int, Field(ge=1, le=65535)]
KAFKA_MESSAGE_MAX_BYTES = 1_048_576
"""Kafka's own default."""
ENVELOPE_BYTES = 65_536
"""Room beside a payload for key, headers, those that retries and dead letters add, and Kafka's framing."""


class ProcessSettings(BaseSettings):
    """What each process needs: its name, where it answers health and metrics, how loud it logs."""

    model_config = SettingsConfigDict(
        env_prefix="FUNDLINE_",
        extra="ignore",
        use_attribute_docstrings=True,  # what docs/settings.md says of each
    )

    process: str = "fundline"
    """Name in the fleet; `service.name` of every log line."""
    instance: str = "fundline-1"
    """Name of this instance; `service.node.name` of every log line, and the client's name at the engines."""
    http_host: str = "127.0.0.1"
    """Where health, metrics and, if the process has one, the API listen."""
    http_port: Port = 17900
    """The port of health, metrics and API."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """Lines below this level are not written."""
    drain_timeout_s: Annotated[float, Field(gt=0, le=25)] = 20.0
    """Longest time that running work gets after SIGTERM."""
    drain_notice_s: Annotated[float, Field(ge=0, le=10)] = 0.0
    """How long an instance answers on after it turned unready, so that a load balancer looks away first. It is 2 s
    where access tokens are checked: behind the gateway, which asks every half second."""

    hung_grace_s: Annotated[float, Field(gt=0, le=120)] = 10.0
    """How long a loop may be late, and the process unready, before the process ends to be started afresh."""


class DatabaseSettings(ProcessSettings):
    database_url: str
    """The primary, as the role of the processes."""
    database_pool_size: Annotated[int, Field(ge=1, le=100)] = 8
    """Most connections of this process."""
    database_statement_cache: Annotated[int, Field(ge=0)] = 100
    """Prepared statements kept per connection; must be 0 behind a transaction pooler such as PgBouncer."""
    database_timeout_s: Annotated[float, Field(gt=0)] = 5.0
    """Longest time for one statement."""
    database_lock_timeout_ms: Annotated[int, Field(gt=0)] = 1000
    """Longest wait for a row that another transaction holds."""
    database_leader_silence_ms: Annotated[int, Field(ge=200, le=60_000)] = 3000
    """A leader that the database has not heard for so long has lost its lead."""


class KafkaSettings(ProcessSettings):
    kafka_bootstrap: str
    """host:port of a broker."""
    kafka_dialect: Literal["kafka", "development"] = "kafka"
    """`development` is the in-memory fallback broker of `make up`; see docs/adr on Kafka without Docker."""
    topic_prefix: str = ""
    """Before every topic and group name; tests use it to stay apart."""
    kafka_message_max_bytes: Annotated[int, Field(ge=100_000, le=100_000_000)] = KAFKA_MESSAGE_MAX_BYTES
    """What the broker takes as one message (`message.max.bytes` there): payload, key and headers. Producers send, and
    consumers fetch, as much."""
    event_max_bytes: Annotated[int, Field(ge=50_000)] = KAFKA_MESSAGE_MAX_BYTES - ENVELOPE_BYTES
    """Largest payload of an event. A larger one is poison, and its dead letter has only its head."""
    consumer_concurrency: Annotated[int, Field(ge=1, le=1000)] = 16
    """Messages handled side by side; those of one key always follow each other."""
    consumer_max_in_flight: Annotated[int, Field(ge=1, le=100_000)] = 512
    """Messages read and not finished; above it the consumer pauses."""
    consumer_session_timeout_ms: Annotated[int, Field(ge=1000)] = 6000
    """How long a silent consumer keeps its partitions."""
    retry_max_attempts: Annotated[int, Field(ge=1, le=5)] = 5
    """Attempts before an event goes to the dead-letter topic."""
    retry_base_s: Annotated[float, Field(gt=0)] = 0.5
    """Longest pause before the second attempt is twice this; it doubles with each attempt."""
    retry_cap_s: Annotated[float, Field(gt=0)] = 30.0
    """Longest pause between two attempts."""
    dead_letter_limit: Annotated[int, Field(ge=1, le=10_000)] = 100
    """Dead letters of one instance within a window; the next one stops its consumer for a window."""
    dead_letter_window_s: Annotated[float, Field(gt=0)] = 600.0
    """The window of that limit."""

    @model_validator(mode="after")
    def _events_fit_into_messages(self) -> Self:
        if self.event_max_bytes + ENVELOPE_BYTES > self.kafka_message_max_bytes:
            raise ValueError(f"event_max_bytes must be {ENVELOPE_BYTES} below kafka_message_max_bytes")
        return self


class CacheSettings(ProcessSettings):
    cache_url: str
    """redis:// or rediss://, with user, password and database number."""
    cache_timeout_ms: Annotated[int, Field(ge=1, le=5000)] = 100
    """Longest wait for the cache; then the database is asked."""


class TokenSettings(ProcessSettings):
    """Of the processes behind the gateway: they are the ones that check access tokens."""

    drain_notice_s: Annotated[float, Field(ge=0, le=10)] = 2.0
    jwks_file: Path
    """Public keys of access tokens, read at start."""
    token_issuer: str = "https://auth.fundline.local"  # noqa: S105 - an address, not a password
    """The `iss` that a token must have."""
    token_audience: str = "fundline"  # noqa: S105 - a name, not a password
    """The `aud` that a token must have."""
    token_max_life_s: Annotated[int, Field(ge=60, le=604_800)] = 86_400
    """A token that expires later than so many seconds from now is refused, here and at the gateway."""
