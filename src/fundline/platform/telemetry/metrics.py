"""The typed list of every metric of Fundline. Nothing else may create one; `make docs` prints this list."""

import collections
from collections.abc import Mapping

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram

_LATENCY_BUCKETS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)


class Metrics:
    """One attribute per metric. Names end in their unit; label values come from small closed sets."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self.registry = registry
        self._lost_lines_seen: collections.Counter[str] = collections.Counter()
        self._of_requests()
        self._of_events()
        self._of_money()
        self._of_models()
        self._of_notifications()

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(f"fundline_{name}", meaning, labels, registry=self.registry)

    def _gauge(self, name: str, meaning: str, *labels: str) -> Gauge:
        return Gauge(f"fundline_{name}", meaning, labels, registry=self.registry)

    def _seconds(self, name: str, meaning: str, *labels: str) -> Histogram:
        return Histogram(
            f"fundline_{name}_seconds", meaning, labels, buckets=_LATENCY_BUCKETS_S, registry=self.registry
        )

    # fmt: off
    def _of_requests(self) -> None:
        self.applications = self._counter("applications", "Applications that reached a status, by status.", "status")
        self.http_request_duration_s = self._seconds(
            "http_request_duration", "Time from the first byte of a request to the last of its answer.",
            "route", "method", "status")
        self.open_streams = self._gauge("open_streams", "Live status streams open now.", "kind")
        self.stream_overflows = self._counter("stream_overflows", "Streams closed because their reader was too slow.")
        self.status_visible_s = self._seconds(
            "status_visible", "Time from a status change to its arrival at the status service.")
        self.cache_requests = self._counter(
            "cache_requests", "Look-ups and writes by cache and result (hit, miss, foreign, error, write_failed).",
            "cache", "result")
        self.database_pool_connections = self._gauge(
            "database_pool_connections", "Connections of the pool, by state (used, idle, max).", "state")
        self.flag_evaluations = self._counter(
            "flag_evaluations", "Flags evaluated, by variant and reason (an error's code when the default was used).",
            "flag", "variant", "reason")
        self.breaker_state = self._gauge(
            "breaker_state", "Circuit breaker by dependency: 0 closed, 1 half open, 2 open.", "dependency")
        self.retries = self._counter("retries", "Calls that were repeated, by dependency.", "dependency")
        self.log_lines_lost = self._counter(
            "log_lines_lost", "Log lines that could not be written, by cause (buffer_full, not_written).", "cause")
        self.clock_offset_s = self._gauge(
            "clock_offset_seconds", "How far the machine's clock is ahead of the database's.")
        self.loop_age_s = self._gauge(
            "loop_age_seconds", "Time since a background loop of the process last turned.", "loop")

    def _of_events(self) -> None:
        self.events_consumed = self._counter(
            "events_consumed", "Messages by topic and outcome (done, retry, dead_letter, unavailable, held).",
            "topic", "outcome")
        self.event_handling_s = self._seconds("event_handling", "Time a handler took for one message.", "topic")
        self.consumer_lag = self._gauge(
            "consumer_lag_messages", "Messages that a group has not handled, as the reconciler asks the broker.",
            "group", "topic", "partition")
        self.consumer_members = self._gauge(
            "consumer_members", "Members of a consumer group, as the reconciler asks the broker.", "group")
        self.consumer_abandoned = self._gauge(
            "consumer_abandoned", "1 while a group has messages to handle and no member.", "group")
        self.consumer_stalled = self._gauge(
            "consumer_stalled_partitions", "Partitions whose next message is old and does not move.", "group")
        self.consumer_in_flight = self._gauge("consumer_in_flight", "Messages read and not yet finished.", "group")
        self.consumer_replaced = self._counter(
            "consumer_replaced", "Consumers that were no members of their group any more and were replaced.", "group")
        self.consumer_held = self._gauge(
            "consumer_held", "1 while a consumer group has stopped because too many messages died.", "group")
        self.dead_letters_kept = self._counter(
            "dead_letters_kept", "Messages of the dead-letter topics that were kept for a person.", "topic")
        self.dead_letters_waiting = self._gauge(
            "dead_letters_waiting", "Dead letters that are not replayed, discarded or resolved yet.", "topic")
        self.outbox_relayed = self._counter("outbox_relayed", "Events moved from the outbox to Kafka.", "topic")
        self.outbox_refused = self._counter(
            "outbox_refused", "Events that Kafka will never take; each is a dead letter now.", "topic")
        self.outbox_lag_s = self._seconds(
            "outbox_lag", "Time from an event's row in the outbox to its acknowledgement by Kafka.")
        self.outbox_oldest_age_s = self._gauge(
            "outbox_oldest_age_seconds", "Age of the oldest event in the outbox, as the reconciler last saw it.")
        self.outbox_leader = self._gauge("outbox_leader", "1 on the router instance that is the active relay.")

    def _of_money(self) -> None:
        self.reconciler_findings = self._counter(
            "reconciler_findings", "What runs have found, by trouble and result (repaired, case).", "trouble", "result")
        self.reconciler_unrepaired = self._gauge(
            "reconciler_unrepaired", "Findings of the last run that a person must look at.")
        self.reconciler_unchecked = self._gauge(
            "reconciler_unchecked", "1 when the last run could not look at what a check compares.", "check")
        self.reconciler_last_run_s = self._gauge(
            "reconciler_last_run_timestamp_seconds", "When the last run ended, as Unix time.")
        self.audit_heads_anchored = self._counter(
            "audit_heads_anchored", "Heads of audit streams that an anchor signed.")
        self.audit_anchor_failures = self._counter(
            "audit_anchor_failures", "Rounds of anchoring that failed, by cause (key, disk, broken).", "cause")
        self.bank_calls = self._counter("bank_calls", "Calls to the bank by result.", "operation", "result")
        self.bank_events = self._counter(
            "bank_events", "Webhooks of the bank by result (recorded, repeated, contradicted, not_ours, refused).",
            "result")
        self.payments_unfinished = self._gauge(
            "payments_unfinished", "Payments without a final result, by state.", "state")
        self.payments_halted = self._gauge("payments_halted", "1 while the flag `payments` holds all payments back.")
        self.payments_escalated = self._counter(
            "payments_escalated", "Payments without a result for so long that a person must look.")
        self.payments_contradicted = self._counter(
            "payments_contradicted", "Results of the bank that contradict what is on record.")

    def _of_models(self) -> None:
        self.scoring_s = self._seconds(
            "scoring", "Time to judge one application: models, simulation, policy; without the database.")
        self.model_choices = self._counter(
            "model_choices", "Applications given to a model, by its role and why it was chosen.",
            "model", "role", "reason")
        self.model_decisions = self._counter(
            "model_decisions", "Decisions by the model that was asked.", "model", "verdict")
        self.model_trips = self._counter(
            "model_trips", "Challengers that the guardrail switched off.", "model", "cause")
        self.guardrail_leader = self._gauge("guardrail_leader", "1 on the risk worker that watches the challenger.")
        self.model_inference_s = self._seconds(
            "model_inference", "Time the model service computed on one request, by version.", "version")
        self.model_queue_depth = self._gauge(
            "model_queue_depth", "Requests that wait in the model service for a thread.")
        self.model_requests = self._counter(
            "model_requests",
            "Inference requests by version and result (ok, refused, queue_full, expired, gone, failed).",
            "version", "result")
        self.model_loads = self._counter(
            "model_loads", "Changes in the models' folder by result (loaded, refused, removed).", "version", "result")
        self.model_calls = self._counter(
            "model_calls",
            "Calls to the model service by version and result (ok, not_sent, unanswered, bad_answer, refused, "
            "cancelled, failed, rejected_by_breaker).",
            "version", "result")

    def _of_notifications(self) -> None:
        self.notification_deliveries = self._counter(
            "notification_deliveries",
            "Attempts to deliver by channel and result (delivered, failed, gone, rejected, unwanted, away).",
            "channel", "result")
        self.notification_delivery_s = self._seconds(
            "notification_delivery", "Time one attempt to deliver took.", "channel")
        self.notifications_too_old = self._counter(
            "notifications_too_old", "Events that nobody was told about, because they are about the past.")
        self.notification_queue_depth = self._gauge(
            "notification_queue_depth", "Notifications that wait, also those whose next attempt is planned.", "channel")
        self.notification_overdue_s = self._gauge(
            "notification_overdue_seconds", "How long the oldest notification that is due has been due.", "channel")
        self.webhook_endpoints_disabled = self._counter(
            "webhook_endpoints_disabled", "Endpoints that were switched off by us (gone, failing).", "reason")
    # fmt: on

    def observe_lost_lines(self, lost: Mapping[str, int]) -> None:
        """`lost`: since the start, by cause; the writer counts by itself, as it is there before any metric."""
        for cause, count in lost.items():
            self.log_lines_lost.labels(cause).inc(count - self._lost_lines_seen[cause])
            self._lost_lines_seen[cause] = count

    def observe_pool(self, connections: dict[str, int]) -> None:
        for state, count in connections.items():
            self.database_pool_connections.labels(state).set(count)
