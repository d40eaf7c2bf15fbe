"""What is measured of applications, whichever process moves them."""

from fundline.platform.telemetry.metrics import MetricSet, NewMetrics


class ApplicationMetrics(MetricSet):
    def __init__(self, new: NewMetrics) -> None:
        self.applications = new.counter(
            "applications", "Applications that reached a status, by status.", "status"
        )
