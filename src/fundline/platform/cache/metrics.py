"""What is measured of the cache."""

from fundline.platform.telemetry.metrics import MetricSet, NewMetrics


class CacheMetrics(MetricSet):
    def __init__(self, new: NewMetrics) -> None:
        self.cache_requests = new.counter(
            "cache_requests",
            "Look-ups and writes by cache and result (hit, miss, foreign, error, write_failed).",
            "cache",
            "result",
        )
