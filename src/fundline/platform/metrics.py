"""What every process measures of itself: its loops, its log, its flags."""

import collections
from collections.abc import Mapping

from fundline.platform.telemetry.metrics import MetricSet, NewMetrics


class ProcessMetrics(MetricSet):
    def __init__(self, new: NewMetrics) -> None:
        self._lost_lines_seen: collections.Counter[str] = collections.Counter()
        self.loop_age_s = new.gauge(
            "loop_age_seconds", "Time since a background loop of the process last turned.", "loop"
        )
        self.log_lines_lost = new.counter(
            "log_lines_lost",
            "Log lines that could not be written, by cause (buffer_full, not_written).",
            "cause",
        )
        self.flag_evaluations = new.counter(
            "flag_evaluations",
            "Flags evaluated, by variant and reason (an error's code when the default was used).",
            "flag",
            "variant",
            "reason",
        )

    def observe_lost_lines(self, lost: Mapping[str, int]) -> None:
        """`lost`: since the start, by cause; the writer counts by itself, as it is there before any metric."""
        for cause, count in lost.items():
            self.log_lines_lost.labels(cause).inc(count - self._lost_lines_seen[cause])
            self._lost_lines_seen[cause] = count
