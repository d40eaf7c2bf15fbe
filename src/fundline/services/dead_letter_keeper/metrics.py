"""What is measured of dead letters."""

from fundline.platform.telemetry.metrics import MetricSet, NewMetrics


class DeadLetterMetrics(MetricSet):
    def __init__(self, new: NewMetrics) -> None:
        self.dead_letters_kept = new.counter(
            "dead_letters_kept", "Messages of the dead-letter topics that were kept for a person.", "topic"
        )
        self.dead_letters_waiting = new.gauge(
            "dead_letters_waiting", "Dead letters that are not replayed, discarded or resolved yet.", "topic"
        )
