import ast
import re
from collections import Counter
from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.metrics import MetricWrapperBase

import fundline
from fundline.manual.metrics import all_metrics, metric_sets, sample_name
from fundline.platform.telemetry.metrics import Metrics

SOURCE = Path(fundline.__file__).parent
KINDS = {"Counter", "Gauge", "Histogram", "Summary", "Info", "Enum"}


def test_only_one_file_makes_metrics():
    makers = {str(file.relative_to(SOURCE)) for file in SOURCE.rglob("*.py") if makes_a_metric(file)}
    assert makers == {"platform/telemetry/metrics.py"}


def test_every_set_stands_in_a_file_of_metrics_where_the_manual_finds_it():
    declared = {
        (str(file.relative_to(SOURCE)), node.name)
        for file in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.ClassDef) and any(ast.unparse(base) == "MetricSet" for base in node.bases)
    }
    found = {
        (kind.__module__.removeprefix("fundline.").replace(".", "/") + ".py", kind.__name__)
        for kind in metric_sets()
    }
    assert declared == found
    assert len(found) > 10


def test_every_metric_has_one_owner():
    names = Counter(sample_name(metric) for _, metric in all_metrics())
    assert [name for name, count in names.items() if count > 1] == []


def test_every_metric_is_measured():
    code = "\n".join(file.read_text() for file in SOURCE.rglob("*.py"))
    idle = [
        attribute
        for kind in metric_sets()
        for attribute, metric in vars(Metrics(CollectorRegistry()).of(kind)).items()
        if isinstance(metric, MetricWrapperBase) and not re.search(rf"\.{attribute}\b(?! = new\.)", code)
    ]
    assert idle == []


def test_a_set_is_made_once_for_a_process():
    metrics = Metrics(CollectorRegistry())
    kind = next(metric_sets())
    assert metrics.of(kind) is metrics.of(kind)


def makes_a_metric(file: Path) -> bool:
    tree = ast.parse(file.read_text())
    kinds = KINDS & {
        name.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("prometheus_client")
        for name in node.names
    }
    called = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    return bool(kinds & called) or bool({f"prometheus_client.{kind}" for kind in KINDS} & called)
