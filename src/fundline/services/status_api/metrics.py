"""What is measured of statuses and their streams."""

from fundline.platform.telemetry.metrics import MetricSet, NewMetrics


class StatusMetrics(MetricSet):
    def __init__(self, new: NewMetrics) -> None:
        self.open_streams = new.gauge("open_streams", "Live status streams open now.", "kind")
        self.stream_overflows = new.counter(
            "stream_overflows", "Streams closed because their reader was too slow."
        )
        self.status_visible_s = new.seconds(
            "status_visible", "Time from a status change to its arrival at the status service."
        )
