"""What a run finds, and how far the consumers are."""

from fundline.platform.telemetry.metrics import MetricSet, NewMetrics


class ReconcilerMetrics(MetricSet):
    def __init__(self, new: NewMetrics) -> None:
        self.reconciler_findings = new.counter(
            "reconciler_findings",
            "What runs have found, by trouble and result (repaired, case).",
            "trouble",
            "result",
        )
        self.reconciler_unrepaired = new.gauge(
            "reconciler_unrepaired", "Findings of the last run that a person must look at."
        )
        self.reconciler_unchecked = new.gauge(
            "reconciler_unchecked", "1 when the last run could not look at what a check compares.", "check"
        )
        self.reconciler_last_run_s = new.gauge(
            "reconciler_last_run_timestamp_seconds", "When the last run ended, as Unix time."
        )
        self.consumer_lag = new.gauge(
            "consumer_lag_messages",
            "Messages that a group has not handled, as the reconciler asks the broker.",
            "group",
            "topic",
            "partition",
        )
        self.consumer_members = new.gauge(
            "consumer_members", "Members of a consumer group, as the reconciler asks the broker.", "group"
        )
        self.consumer_abandoned = new.gauge(
            "consumer_abandoned", "1 while a group has messages to handle and no member.", "group"
        )
        self.consumer_stalled = new.gauge(
            "consumer_stalled_partitions", "Partitions whose next message is old and does not move.", "group"
        )
        self.outbox_oldest_age_s = new.gauge(
            "outbox_oldest_age_seconds",
            "Age of the oldest event in the outbox, as the reconciler last saw it.",
        )
