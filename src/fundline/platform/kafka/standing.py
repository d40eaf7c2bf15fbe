"""Whether a consumer is where it should be, from what librdkafka says about itself: joined, and fetching its share."""

import time
from collections.abc import Callable
from typing import Any

import orjson

OBSERVED_EVERY_S = 1.0
"""How often librdkafka tells; its setting `statistics.interval.ms`."""
UNREADY_AFTER_S, STRAYED_AFTER_S = 10.0, 20.0


class Standing:
    """A consumer is whole when it is a member of its group and fetches every partition that is assigned to it.

    Neither a consumer that polls nor one that has been assigned something once is: after a pause of the broker,
    librdkafka may wait for ever for an answer that was lost, and polls go on (ADR 0033).
    `astray_s` grows while it is not whole, or says nothing. Used by the polling thread; others read.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._whole_at = clock()
        self._observed_whole_at: float | None = None
        self.has_joined = False

    @property
    def is_whole(self) -> bool:
        """As librdkafka last told; not when it no longer tells."""
        seen_at = self._observed_whole_at
        return seen_at is not None and self._clock() - seen_at < 2 * OBSERVED_EVERY_S

    @property
    def astray_s(self) -> float:
        """Seconds since it was whole, or was excused; 0 to about 1 when all is well."""
        return self._clock() - self._whole_at

    @property
    def is_ready(self) -> bool:
        return self.has_joined and self.astray_s < UNREADY_AFTER_S

    @property
    def has_strayed(self) -> bool:
        return self.astray_s > STRAYED_AFTER_S

    def joined(self) -> None:
        """The group has assigned something, be it nothing."""
        self.has_joined = True
        self._whole_at = self._clock()

    def excuse(self) -> None:
        """The broker does not answer, or we stood still ourselves: nobody could be a member."""
        self._whole_at = self._clock()

    def observe(self, statistics: str) -> None:
        """The text that librdkafka hands over: STATISTICS.md of librdkafka says what is in it."""
        is_whole = _is_whole(orjson.loads(statistics))
        self._observed_whole_at = self._clock() if is_whole else None
        if is_whole:
            self._whole_at = self._clock()


def _is_whole(told: dict[str, Any]) -> bool:
    group = told.get("cgrp", {})
    if (group.get("state"), group.get("join_state")) != ("up", "steady"):
        return False
    partitions = [p for topic in told.get("topics", {}).values() for p in topic["partitions"].values()]
    fetching = sum(p.get("fetch_state") == "active" for p in partitions)
    return bool(fetching >= group.get("assignment_size", 0))
