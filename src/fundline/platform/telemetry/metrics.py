"""How metrics are made. Each owner declares its own in a file `metrics.py` near its code; `make docs` lists all."""

from collections.abc import Callable
from typing import TypeVar, cast

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram

_LATENCY_BUCKETS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)


class NewMetrics:
    """Makes the metrics of one set. Names end in their unit; label values come from small closed sets."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(f"fundline_{name}", meaning, labels, registry=self._registry)

    def gauge(self, name: str, meaning: str, *labels: str) -> Gauge:
        return Gauge(f"fundline_{name}", meaning, labels, registry=self._registry)

    def seconds(self, name: str, meaning: str, *labels: str) -> Histogram:
        """A histogram of times; its name gets the unit."""
        full_name = f"fundline_{name}_seconds"
        return Histogram(full_name, meaning, labels, buckets=_LATENCY_BUCKETS_S, registry=self._registry)


class MetricSet:
    """The metrics of one owner: one attribute each, made in `__init__(self, new: NewMetrics)`."""


Owned = TypeVar("Owned", bound=MetricSet)


class Metrics:
    """What one process measures. A set is made when its owner first asks for it."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self.registry = registry
        self._sets: dict[object, MetricSet] = {}

    def of(self, kind: Callable[[NewMetrics], Owned]) -> Owned:
        """The set of this class, the same one at every call."""
        if kind not in self._sets:
            self._sets[kind] = kind(NewMetrics(self.registry))
        return cast("Owned", self._sets[kind])
