"""What is measured of the database, as one process sees it."""

from collections.abc import Mapping

from fundline.platform.telemetry.metrics import MetricSet, NewMetrics


class DatabaseMetrics(MetricSet):
    def __init__(self, new: NewMetrics) -> None:
        self.database_pool_connections = new.gauge(
            "database_pool_connections", "Connections of the pool, by state (used, idle, max).", "state"
        )
        self.clock_offset_s = new.gauge(
            "clock_offset_seconds", "How far the machine's clock is ahead of the database's."
        )

    def observe_pool(self, connections: Mapping[str, int]) -> None:
        for state, count in connections.items():
            self.database_pool_connections.labels(state).set(count)
