"""The typed list of every metric of Fundline. Nothing else may create one; `make docs` prints this list."""

from collections.abc import Callable

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram

_LATENCY_BUCKETS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)


class Metrics:
    """One attribute per metric. Names end in their unit; label values come from small closed sets."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self.registry = registry

        def counter(name: str, meaning: str, *labels: str) -> Counter:
            return Counter(f"fundline_{name}", meaning, labels, registry=registry)

        def gauge(name: str, meaning: str, *labels: str) -> Gauge:
            return Gauge(f"fundline_{name}", meaning, labels, registry=registry)

        def seconds(name: str, meaning: str, *labels: str) -> Histogram:
            return Histogram(
                f"fundline_{name}_seconds", meaning, labels, buckets=_LATENCY_BUCKETS_S, registry=registry
            )

        # fmt: off
        self.applications = counter("applications", "Applications that reached a status, by status.", "status")
        self.http_request_duration_s = seconds(
            "http_request_duration", "Time from the first byte of a request to the last of its answer.",
            "route", "method", "status")
        self.open_streams = gauge("open_streams", "Live status streams open now.", "kind")
        self.stream_overflows = counter("stream_overflows", "Streams closed because their reader was too slow.")
        self.status_visible_s = seconds(
            "status_visible", "Time from a status change to its arrival at the status service.")
        self.cache_requests = counter(
            "cache_requests", "Look-ups and writes by cache and result (hit, miss, error, write_failed).",
            "cache", "result")
        self.events_consumed = counter(
            "events_consumed", "Messages by topic and outcome (done, retry, dead_letter, unavailable, held).",
            "topic", "outcome")
        self.event_handling_s = seconds("event_handling", "Time a handler took for one message.", "topic")
        self.consumer_lag = gauge(
            "consumer_lag_messages", "Messages not yet read, by topic and partition.", "topic", "partition")
        self.consumer_in_flight = gauge("consumer_in_flight", "Messages read and not yet finished.", "group")
        self.consumer_held = gauge(
            "consumer_held", "1 while a consumer group has stopped because too many messages died.", "group")
        self.dead_letters_kept = counter(
            "dead_letters_kept", "Messages of the dead-letter topics that were kept for a person.", "topic")
        self.dead_letters_waiting = gauge(
            "dead_letters_waiting", "Dead letters that nobody has replayed or discarded yet.", "topic")
        self.scoring_s = seconds(
            "scoring", "Time to judge one application: models, simulation, policy; without the database.")
        self.outbox_relayed = counter("outbox_relayed", "Events moved from the outbox to Kafka.", "topic")
        self.outbox_lag_s = seconds(
            "outbox_lag", "Time from an event's row in the outbox to its acknowledgement by Kafka.")
        self.outbox_oldest_age_s = gauge(
            "outbox_oldest_age_seconds", "Age of the oldest event in the outbox, as the reconciler last saw it.")
        self.reconciler_findings = counter(
            "reconciler_findings", "What runs have found, by trouble and result (repaired, case).", "trouble", "result")
        self.reconciler_unrepaired = gauge(
            "reconciler_unrepaired", "Findings of the last run that a person must look at.")
        self.reconciler_unchecked = gauge(
            "reconciler_unchecked", "1 when the last run could not look at what a check compares.", "check")
        self.reconciler_last_run_s = gauge(
            "reconciler_last_run_timestamp_seconds", "When the last run ended, as Unix time.")
        self.outbox_leader = gauge("outbox_leader", "1 on the router instance that is the active relay.")
        self.audit_heads_anchored = counter("audit_heads_anchored", "Heads of audit streams that an anchor signed.")
        self.audit_anchor_failures = counter(
            "audit_anchor_failures", "Rounds of anchoring that failed, by cause (disk, broken).", "cause")
        self.database_pool_connections = gauge(
            "database_pool_connections", "Connections of the pool, by state (used, idle, max).", "state")
        self.bank_calls = counter("bank_calls", "Calls to the bank by result.", "operation", "result")
        self.bank_events = counter(
            "bank_events", "Webhooks of the bank by result (recorded, repeated, contradicted, not_ours, refused).",
            "result")
        self.payments_unfinished = gauge(
            "payments_unfinished", "Payments without a final result, by state.", "state")
        self.payments_halted = gauge("payments_halted", "1 while the flag `payments` holds all payments back.")
        self.payments_escalated = counter(
            "payments_escalated", "Payments without a result for so long that a person must look.")
        self.payments_contradicted = counter(
            "payments_contradicted", "Results of the bank that contradict what is on record.")
        self.flag_evaluations = counter(
            "flag_evaluations", "Flags evaluated, by variant and reason (an error's code when the default was used).",
            "flag", "variant", "reason")
        self.model_choices = counter(
            "model_choices", "Applications given to a model, by its role and why it was chosen.",
            "model", "role", "reason")
        self.model_decisions = counter("model_decisions", "Decisions by the model that was asked.", "model", "verdict")
        self.model_trips = counter("model_trips", "Challengers that the guardrail switched off.", "model", "cause")
        self.guardrail_leader = gauge("guardrail_leader", "1 on the risk worker that watches the challenger.")
        self.model_inference_s = seconds(
            "model_inference", "Time the model service computed on one request, by version.", "version")
        self.model_queue_depth = gauge(
            "model_queue_depth", "Requests that wait in the model service for a thread.")
        self.model_requests = counter(
            "model_requests",
            "Inference requests by version and result (ok, refused, queue_full, expired, gone, failed).",
            "version", "result")
        self.model_loads = counter(
            "model_loads", "Changes in the models' folder by result (loaded, refused, removed).", "version", "result")
        self.model_calls = counter(
            "model_calls",
            "Calls to the model service by version and result (ok, not_sent, unanswered, bad_answer, refused, "
            "cancelled, failed, rejected_by_breaker).",
            "version", "result")
        self.breaker_state = gauge(
            "breaker_state", "Circuit breaker by dependency: 0 closed, 1 half open, 2 open.", "dependency")
        self.retries = counter("retries", "Calls that were repeated, by dependency.", "dependency")
        # fmt: on
        self._of_notifications(counter, gauge, seconds)

    def _of_notifications(
        self,
        counter: Callable[..., Counter],
        gauge: Callable[..., Gauge],
        seconds: Callable[..., Histogram],
    ) -> None:
        # fmt: off
        self.notification_deliveries = counter(
            "notification_deliveries",
            "Attempts to deliver by channel and result (delivered, failed, gone, rejected, unwanted, away).",
            "channel", "result")
        self.notification_delivery_s = seconds(
            "notification_delivery", "Time one attempt to deliver took.", "channel")
        self.notification_queue_depth = gauge(
            "notification_queue_depth", "Notifications that wait, also those whose next attempt is planned.", "channel")
        self.notification_overdue_s = gauge(
            "notification_overdue_seconds", "How long the oldest notification that is due has been due.", "channel")
        self.webhook_endpoints_disabled = counter(
            "webhook_endpoints_disabled", "Endpoints that were switched off by us (gone, failing).", "reason")
        # fmt: on

    def observe_pool(self, connections: dict[str, int]) -> None:
        for state, count in connections.items():
            self.database_pool_connections.labels(state).set(count)
