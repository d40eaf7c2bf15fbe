"""What is measured of deliveries."""

from fundline.platform.telemetry.metrics import MetricSet, NewMetrics


class NotificationMetrics(MetricSet):
    def __init__(self, new: NewMetrics) -> None:
        self.notification_deliveries = new.counter(
            "notification_deliveries",
            "Attempts to deliver by channel and result (delivered, failed, gone, rejected, unwanted, away).",
            "channel",
            "result",
        )
        self.notification_delivery_s = new.seconds(
            "notification_delivery", "Time one attempt to deliver took.", "channel"
        )
        self.notifications_too_old = new.counter(
            "notifications_too_old", "Events that nobody was told about, because they are about the past."
        )
        self.notification_queue_depth = new.gauge(
            "notification_queue_depth",
            "Notifications that wait, also those whose next attempt is planned.",
            "channel",
        )
        self.notification_overdue_s = new.gauge(
            "notification_overdue_seconds",
            "How long the oldest notification that is due has been due.",
            "channel",
        )
        self.webhook_endpoints_disabled = new.counter(
            "webhook_endpoints_disabled", "Endpoints that were switched off by us (gone, failing).", "reason"
        )
