"""Alerts, metrics and runbooks name each other: nobody is called by a figure that does not exist, or without a page."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import Counter, Gauge, Histogram

from fundline.contracts.topics import TOPICS
from fundline.manual.metrics import all_metrics, sample_name

REPOSITORY = Path(__file__).parent.parent.parent
PROMETHEUS = REPOSITORY / "deploy/prometheus"
RUNBOOKS = REPOSITORY / "docs/runbooks"
DONE_ON_PURPOSE = {"key-rotation.md"}
"""Pages for what somebody decides to do: no figure calls for it."""
OF_PROMETHEUS = {"job", "instance", "le"}
"""Labels that a scrape or a histogram adds."""

ALERTS: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((PROMETHEUS / "alerts.yaml").read_text())["groups"]
    for rule in group["rules"]
]
NAMES = [alert["alert"] for alert in ALERTS]
ALL_TOPICS = list(TOPICS.values())
METRICS = {sample_name(metric): metric for _, metric in all_metrics()}


def metric_of(sample: str) -> Any:
    """None when no process has such a sample."""
    if sample in METRICS and not isinstance(METRICS[sample], Histogram):
        return METRICS[sample]
    plain = re.sub(r"_(bucket|count|sum)$", "", sample)
    return METRICS[plain] if plain != sample and isinstance(METRICS.get(plain), Histogram) else None


def alert_names(page: Path) -> list[str]:
    line = re.search(r"^\*\*Alert\.\*\* (.*)$", page.read_text(), re.MULTILINE)
    return re.findall(r"`([A-Z][A-Za-z]+)`", line[1]) if line else []


@pytest.mark.parametrize("alert", ALERTS, ids=NAMES)
def test_every_sample_and_label_of_an_alert_is_one_that_a_process_has(alert):
    samples = re.findall(r"(fundline_\w+)(?:\{([^}]*)\})?", alert["expr"])
    assert samples
    own: set[str] = set()
    for sample, selected in samples:
        metric = metric_of(sample)
        assert metric is not None, sample
        own |= set(metric._labelnames)
        chosen = set(re.findall(r"(\w+)(?:=~|!~|!=|=)", selected))
        assert chosen <= set(metric._labelnames) | OF_PROMETHEUS, sample
    grouped = {
        label
        for listed in re.findall(r"(?:by|ignoring) \(([^)]*)\)", alert["expr"])
        for label in listed.split(", ")
    }
    said = set(re.findall(r"\$labels\.(\w+)", alert["annotations"]["summary"]))
    assert grouped | said <= own | OF_PROMETHEUS


@pytest.mark.parametrize("alert", ALERTS, ids=NAMES)
def test_a_counter_is_asked_for_its_growth_and_a_gauge_for_its_value(alert):
    for grows, sample in re.findall(r"((?:rate|increase)\()?(fundline_\w+)", alert["expr"]):
        assert bool(grows) == (not isinstance(metric_of(sample), Gauge)), sample
        assert isinstance(metric_of(sample), Counter | Gauge | Histogram)


@pytest.mark.parametrize("alert", ALERTS, ids=NAMES)
def test_every_alert_says_how_urgent_it_is_and_has_a_page_that_names_it(alert):
    assert alert["labels"]["severity"] in {"page", "ticket"}
    assert alert["annotations"]["summary"]
    page = REPOSITORY / alert["annotations"]["runbook"]
    assert page.parent == RUNBOOKS
    assert alert["alert"] in alert_names(page)


@pytest.mark.parametrize("page", sorted(RUNBOOKS.glob("*.md")), ids=lambda page: page.name)
def test_every_page_names_alerts_that_lead_to_it(page):
    if page.name in DONE_ON_PURPOSE | {"README.md"}:
        assert alert_names(page) == []
        return
    leading = {
        alert["alert"] for alert in ALERTS if alert["annotations"]["runbook"].endswith(f"/{page.name}")
    }
    assert leading
    assert set(alert_names(page)) == leading


def test_the_index_of_runbooks_has_every_page():
    index = (RUNBOOKS / "README.md").read_text()
    assert [page.name for page in RUNBOOKS.glob("*.md") if f"({page.name})" not in index] == ["README.md"]


def test_every_alert_has_a_name_of_its_own():
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize("topic", ALL_TOPICS, ids=lambda topic: topic.name)
def test_the_alert_of_money_watches_the_topics_that_move_money(topic):
    expression = next(alert["expr"] for alert in ALERTS if alert["alert"] == "MoneyInADeadLetter")
    watched = re.search(r'topic=~"([^"]*)"', expression)
    assert watched is not None
    assert bool(re.fullmatch(watched[1], topic.name)) == topic.moves_money


def test_every_alert_is_played_with_figures_that_call_it():
    played = yaml.safe_load((PROMETHEUS / "alerts.test.yaml").read_text())["tests"]
    called = {one["alertname"] for test in played for one in test["alert_rule_test"] if one.get("exp_alerts")}
    assert called == set(NAMES)


def test_prometheus_itself_agrees():
    """Where its tool is installed (Debian: package prometheus)."""
    promtool = shutil.which("promtool")
    if promtool is None:
        return
    for what in (["check", "rules", "alerts.yaml"], ["test", "rules", "alerts.test.yaml"]):
        done = subprocess.run(
            [promtool, *what], cwd=PROMETHEUS, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
