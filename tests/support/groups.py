"""How far each consumer group is, asked of the broker by somebody who is in none of them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from fundline.contracts.topics import topics_by_group
from fundline.platform.kafka.groups import GroupWatch

_OLD_S = 3600.0


@contextmanager
def group_lags(bootstrap: str, prefix: str = "") -> Iterator[Callable[[], dict[str, int]]]:
    """Yields what asks: what each group has not yet committed, retries included.

    One watch for as long as somebody waits: a new one is a client for each group. Raises KafkaUnavailable when nobody
    answers.
    """
    watch = GroupWatch(bootstrap, topics_by_group(), prefix=prefix)
    try:
        yield lambda: {view.group: view.lag for view in watch.look(old_s=_OLD_S)}
    finally:
        watch.close()
