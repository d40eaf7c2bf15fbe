"""The page of metrics, from the one typed list."""

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.metrics import MetricWrapperBase

from fundline.manual.markdown import code, page, table
from fundline.platform.telemetry.metrics import Metrics


def metrics_page() -> str:
    listed = [
        metric
        for metric in vars(Metrics(CollectorRegistry())).values()
        if isinstance(metric, MetricWrapperBase)
    ]
    rows = sorted(_row(metric) for metric in listed)
    return page(
        "Metrics",
        "Every process answers `GET /metrics` on its HTTP port in the Prometheus text format, with these and those of "
        "the Python runtime (`python_*`, `process_*`). A metric with labels appears when it is first used. Nothing "
        "scrapes them yet: Prometheus, alerts and dashboards come with a later issue.",
        table(["metric", "kind", "labels", "meaning"], rows),
    )


def _row(metric: MetricWrapperBase) -> list[str]:
    family = next(iter(metric.describe()))
    name = f"{family.name}_total" if isinstance(metric, Counter) else family.name
    kind = "histogram" if isinstance(metric, Histogram) else family.type
    labels = metric._labelnames  # noqa: SLF001 - prometheus_client has no other way to ask for them
    return [code(name), kind, ", ".join(code(label) for label in labels), family.documentation]
