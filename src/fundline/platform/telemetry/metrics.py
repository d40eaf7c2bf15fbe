"""The typed list of every metric of Fundline. Nothing else may create one; `make docs` prints this list."""

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram

_LATENCY_BUCKETS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)


class Metrics:
    """One attribute per metric. Names end in their unit; label values come from small closed sets."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self.registry = registry
        self.http_request_duration_s = Histogram(
            "fundline_http_request_duration_seconds",
            "Time from the first byte of a request to the last of its answer.",
            ("route", "method", "status"),
            buckets=_LATENCY_BUCKETS_S,
            registry=registry,
        )
        self.open_streams = Gauge(
            "fundline_open_streams", "Live status streams open now.", ("kind",), registry=registry
        )
        self.stream_overflows = Counter(
            "fundline_stream_overflows",
            "Streams closed because their reader was too slow.",
            registry=registry,
        )
        self.status_visible_s = Histogram(
            "fundline_status_visible_seconds",
            "Time from a status change to its arrival at the status service.",
            buckets=_LATENCY_BUCKETS_S,
            registry=registry,
        )
        self.cache_requests = Counter(
            "fundline_cache_requests",
            "Look-ups and writes by cache and result (hit, miss, error, write_failed).",
            ("cache", "result"),
            registry=registry,
        )
        self.events_consumed = Counter(
            "fundline_events_consumed",
            "Messages by topic and outcome (done, retry, dead_letter, unavailable).",
            ("topic", "outcome"),
            registry=registry,
        )
        self.event_handling_s = Histogram(
            "fundline_event_handling_seconds",
            "Time a handler took for one message.",
            ("topic",),
            buckets=_LATENCY_BUCKETS_S,
            registry=registry,
        )
        self.consumer_lag = Gauge(
            "fundline_consumer_lag_messages",
            "Messages not yet read, by topic and partition.",
            ("topic", "partition"),
            registry=registry,
        )
        self.consumer_in_flight = Gauge(
            "fundline_consumer_in_flight", "Messages read and not yet finished.", registry=registry
        )
        self.outbox_relayed = Counter(
            "fundline_outbox_relayed", "Events moved from the outbox to Kafka.", ("topic",), registry=registry
        )
        self.outbox_lag_s = Histogram(
            "fundline_outbox_lag_seconds",
            "Time from an event's row in the outbox to its acknowledgement by Kafka.",
            buckets=_LATENCY_BUCKETS_S,
            registry=registry,
        )
        self.outbox_leader = Gauge(
            "fundline_outbox_leader", "1 on the router instance that is the active relay.", registry=registry
        )
        self.database_pool_connections = Gauge(
            "fundline_database_pool_connections",
            "Connections of the pool, by state (used, idle, max).",
            ("state",),
            registry=registry,
        )
        self.bank_calls = Counter(
            "fundline_bank_calls", "Calls to the bank by result.", ("operation", "result"), registry=registry
        )
        self.applications = Counter(
            "fundline_applications",
            "Applications that reached a status, by status.",
            ("status",),
            registry=registry,
        )

    def observe_pool(self, connections: dict[str, int]) -> None:
        for state, count in connections.items():
            self.database_pool_connections.labels(state).set(count)
