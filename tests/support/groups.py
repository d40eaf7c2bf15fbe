"""How far each consumer group is, asked of the broker by somebody who is in none of them."""

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from fundline.platform.kafka.client import quiet

_ANSWER_S = 10
BROKER_AWAY = (KafkaException, TimeoutError)


def group_lags(bootstrap: str, prefix: str = "") -> dict[str, int]:
    """What each group has not yet committed, retries included. Raises one of BROKER_AWAY when nobody answers."""
    admin = AdminClient({"bootstrap.servers": bootstrap, "logger": quiet})
    names = [
        g.group_id for g in admin.list_consumer_groups(request_timeout=_ANSWER_S).result(_ANSWER_S).valid
    ]
    lags = {}
    for name in sorted(name for name in names if name.startswith(prefix)):
        asked = admin.list_consumer_group_offsets(
            [ConsumerGroupTopicPartitions(name)], request_timeout=_ANSWER_S
        )
        committed = asked[name].result(_ANSWER_S).topic_partitions or []
        if committed:
            lags[name] = _lag(admin, committed)
    return lags


def _lag(admin: AdminClient, committed: list[TopicPartition]) -> int:
    asked = {TopicPartition(p.topic, p.partition): OffsetSpec.latest() for p in committed}
    ends = {
        (partition.topic, partition.partition): answer.result(_ANSWER_S).offset
        for partition, answer in admin.list_offsets(asked, request_timeout=_ANSWER_S).items()
    }
    return sum(max(ends[p.topic, p.partition] - max(p.offset, 0), 0) for p in committed)
