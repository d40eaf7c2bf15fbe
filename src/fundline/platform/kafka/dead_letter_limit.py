"""The limit on the flow of dead letters: past it, something is wrong with us rather than with the messages."""

import time
from collections import deque
from collections.abc import Callable


class LimitReached(Exception):
    """One dead letter too many within the window; the message stays where it is, uncommitted."""


class DeadLetterLimit:
    """At most `most` dead letters within `window_s`; the next one closes the limit for a whole window.

    Then counting begins anew: unattended, a flood of poison costs at most `most` dead letters per window, and the
    messages behind it wait in Kafka. Used by one event loop. `now_s` is a clock that never goes back.
    """

    def __init__(self, most: int, window_s: float, *, now_s: Callable[[], float] = time.monotonic) -> None:
        self._most, self._window_s, self._now_s = most, window_s, now_s
        self._sent_s: deque[float] = deque(maxlen=most)
        self._closed_until_s = float("-inf")

    def remaining_s(self) -> float:
        """How long it stays closed; 0 when it is open."""
        return max(self._closed_until_s - self._now_s(), 0.0)

    def take(self) -> None:
        """Before a message is given up. Raises LimitReached."""
        if self.remaining_s() > 0:
            raise LimitReached
        now_s = self._now_s()
        if len(self._sent_s) == self._most and self._sent_s[0] > now_s - self._window_s:
            self._closed_until_s = now_s + self._window_s
            self._sent_s.clear()
            raise LimitReached
        self._sent_s.append(now_s)
