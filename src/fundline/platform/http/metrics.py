"""What is measured of every request."""

from fundline.platform.telemetry.metrics import MetricSet, NewMetrics


class HttpMetrics(MetricSet):
    def __init__(self, new: NewMetrics) -> None:
        self.http_request_duration_s = new.seconds(
            "http_request_duration",
            "Time from the first byte of a request to the last of its answer.",
            "route",
            "method",
            "status",
        )
