"""What is measured of the outbox and of the anchors."""

from fundline.platform.telemetry.metrics import MetricSet, NewMetrics


class RouterMetrics(MetricSet):
    def __init__(self, new: NewMetrics) -> None:
        self.outbox_relayed = new.counter("outbox_relayed", "Events moved from the outbox to Kafka.", "topic")
        self.outbox_refused = new.counter(
            "outbox_refused", "Events that Kafka will never take; each is a dead letter now.", "topic"
        )
        self.outbox_lag_s = new.seconds(
            "outbox_lag", "Time from an event's row in the outbox to its acknowledgement by Kafka."
        )
        self.outbox_leader = new.gauge("outbox_leader", "1 on the router instance that is the active relay.")
        self.audit_heads_anchored = new.counter(
            "audit_heads_anchored", "Heads of audit streams that an anchor signed."
        )
        self.audit_anchor_failures = new.counter(
            "audit_anchor_failures", "Rounds of anchoring that failed, by cause (key, disk, broken).", "cause"
        )
