"""What is measured of a consumer and its messages."""

from fundline.platform.telemetry.metrics import MetricSet, NewMetrics


class ConsumerMetrics(MetricSet):
    def __init__(self, new: NewMetrics) -> None:
        self.events_consumed = new.counter(
            "events_consumed",
            "Messages by topic and outcome (done, retry, dead_letter, unavailable, held).",
            "topic",
            "outcome",
        )
        self.event_handling_s = new.seconds("event_handling", "Time a handler took for one message.", "topic")
        self.consumer_in_flight = new.gauge(
            "consumer_in_flight", "Messages read and not yet finished.", "group"
        )
        self.consumer_replaced = new.counter(
            "consumer_replaced",
            "Consumers that were no members of their group any more and were replaced.",
            "group",
        )
        self.consumer_held = new.gauge(
            "consumer_held", "1 while a consumer group has stopped because too many messages died.", "group"
        )
