"""Creating the topics, once, before the fleet starts."""

from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from fundline.contracts.topics import all_topic_names
from fundline.platform.kafka.client import quiet

_ANSWER_S = 15


def create_topics(bootstrap: str, *, prefix: str = "", partitions: int = 6, replication: int = 1) -> int:
    """Create what is missing; returns how many were new. Raises KafkaException when Kafka refuses."""
    config: dict[str, Any] = {
        "bootstrap.servers": bootstrap,
        "socket.timeout.ms": _ANSWER_S * 1000,
        "logger": quiet,
    }
    admin = AdminClient(config)
    wanted = [NewTopic(prefix + name, partitions, replication) for name in all_topic_names()]
    created = 0
    for future in admin.create_topics(wanted, operation_timeout=_ANSWER_S).values():
        try:
            future.result(_ANSWER_S)
            created += 1
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise
    return created
