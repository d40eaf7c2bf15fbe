"""Client settings of every producer and consumer, for Kafka and for the development fallback broker."""

import logging
from typing import Any

from fundline.platform.settings import KafkaSettings

quiet = logging.getLogger("kafka.client")
quiet.setLevel(logging.CRITICAL)
"""librdkafka reports every lost connection on standard error; our own runtime reports what matters."""

_POLL_LIMIT_MS = 30_000
"""Longest wait of a whole group for a member that does not poll: the watchdog ends such a process by then."""


def producer_config(settings: KafkaSettings) -> dict[str, Any]:
    return {
        "bootstrap.servers": settings.kafka_bootstrap,
        "client.id": settings.instance,
        "enable.idempotence": True,
        "acks": "all",
        "linger.ms": 1,
        "message.max.bytes": settings.kafka_message_max_bytes,
        # a topic that is missing is told before the message times out, so that it is not taken for an outage
        "topic.metadata.propagation.max.ms": 5000,
        "message.timeout.ms": 6000,
        "request.timeout.ms": 5000,
        "reconnect.backoff.max.ms": 1000,
        "logger": quiet,
    }


def consumer_config(settings: KafkaSettings, group: str) -> dict[str, Any]:
    config: dict[str, Any] = {
        "bootstrap.servers": settings.kafka_bootstrap,
        "client.id": settings.instance,
        "group.id": settings.topic_prefix + group,
        "enable.auto.commit": False,
        "auto.offset.reset": "earliest",
        # cooperative-sticky gives one instance whole topics; this shares the partitions of each topic
        "partition.assignment.strategy": "roundrobin",
        "session.timeout.ms": settings.consumer_session_timeout_ms,
        "heartbeat.interval.ms": settings.consumer_session_timeout_ms // 4,
        "max.poll.interval.ms": max(_POLL_LIMIT_MS, settings.consumer_session_timeout_ms),
        "fetch.wait.max.ms": 100,
        "fetch.message.max.bytes": settings.kafka_message_max_bytes,
        "socket.timeout.ms": 10_000,
        "queued.max.messages.kbytes": 16_384,
        "reconnect.backoff.max.ms": 1000,
        "logger": quiet,
    }
    if settings.kafka_dialect == "development":
        config |= {"fetch.wait.max.ms": 20}
    return config
