"""What is measured of what we depend on."""

from fundline.platform.telemetry.metrics import MetricSet, NewMetrics


class ResilienceMetrics(MetricSet):
    def __init__(self, new: NewMetrics) -> None:
        self.breaker_state = new.gauge(
            "breaker_state", "Circuit breaker by dependency: 0 closed, 1 half open, 2 open.", "dependency"
        )
        self.retries = new.counter("retries", "Calls that were repeated, by dependency.", "dependency")
