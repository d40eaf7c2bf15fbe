"""The page of metrics: every set of every owner. A set stands in a file `metrics.py` beside the code that measures."""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.metrics import MetricWrapperBase

import fundline
from fundline.manual.markdown import code, page, table
from fundline.platform.telemetry.metrics import Metrics, MetricSet

_ROOT = Path(fundline.__file__).parent


def metrics_page() -> str:
    rows = sorted(_row(owner, metric) for owner, metric in all_metrics())
    return page(
        "Metrics",
        "Every process answers `GET /metrics` on its HTTP port in the Prometheus text format, with the metrics of its "
        "parts and those of the Python runtime (`python_*`, `process_*`). A metric with labels appears when it is "
        "first used. Each is declared in `metrics.py` of its owner, a folder of `src/fundline/`. Alerts: "
        "`deploy/prometheus/alerts.yaml`.",
        table(["metric", "owner", "kind", "labels", "meaning"], rows),
    )


def all_metrics() -> Iterator[tuple[str, MetricWrapperBase]]:
    """Each metric with its owner, a folder below `src/fundline`."""
    made = Metrics(CollectorRegistry())
    for kind in metric_sets():
        owner = kind.__module__.removeprefix("fundline.").removesuffix(".metrics").replace(".", "/")
        for metric in vars(made.of(kind)).values():
            if isinstance(metric, MetricWrapperBase):
                yield owner, metric


def metric_sets() -> Iterator[type[MetricSet]]:
    for file in sorted(_ROOT.rglob("metrics.py")):
        name = ".".join(("fundline", *file.relative_to(_ROOT).with_suffix("").parts))
        for found in vars(import_module(name)).values():
            is_set = isinstance(found, type) and issubclass(found, MetricSet) and found is not MetricSet
            if is_set and found.__module__ == name:
                yield found


def sample_name(metric: MetricWrapperBase) -> str:
    """As a scrape shows it; a histogram's samples add `_bucket`, `_sum` and `_count`."""
    family = next(iter(metric.describe()))
    return f"{family.name}_total" if isinstance(metric, Counter) else family.name


def _row(owner: str, metric: MetricWrapperBase) -> list[str]:
    family = next(iter(metric.describe()))
    kind = "histogram" if isinstance(metric, Histogram) else family.type
    labels = metric._labelnames  # noqa: SLF001 - prometheus_client has no other way to ask for them
    return [
        code(sample_name(metric)),
        code(owner),
        kind,
        ", ".join(code(label) for label in labels),
        family.documentation,
    ]
