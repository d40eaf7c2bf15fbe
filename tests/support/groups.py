"""How far each consumer group is, asked of the broker by somebody who is in none of them."""

from fundline.contracts.topics import topics_by_group
from fundline.platform.kafka.groups import GroupWatch

_OLD_S = 3600.0


def group_lags(bootstrap: str, prefix: str = "") -> dict[str, int]:
    """What each group has not yet committed, retries included. Raises KafkaUnavailable when nobody answers."""
    views = GroupWatch(bootstrap, topics_by_group(), prefix=prefix).look(old_s=_OLD_S)
    return {view.group: view.lag for view in views}
