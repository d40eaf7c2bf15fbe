import json
import os

import pytest
from rich.console import Console

from fundline.platform.command_errors import CommandFailed
from fundline.stack.layout import StackHome
from fundline.stack.logs import print_story, render
from fundline.stack.story import Story, Tail, log_files, read_story


def line(second, process, event, **fields):
    return {
        "@timestamp": f"2026-11-23T10:00:{second:09.6f}Z",
        "log.level": "info",
        "message": event,
        "service.name": process,
        "service.node.name": f"{process}-1",
        **{name.replace("__", "."): value for name, value in fields.items()},
    }


def of(application, **fields):
    return {"fundline__application_id": application, **fields}


def write(logs, name, *lines):
    with (logs / name).open("a") as log:
        for entry in lines:
            log.write((entry if isinstance(entry, str) else json.dumps(entry)) + "\n")


@pytest.fixture
def logs(tmp_path):
    home = StackHome(tmp_path).create()
    accepted = of("app-1", fundline__tracking_id="FL-1", trace__id="t-1", fundline__correlation_id="c-1")
    write(
        home.logs,
        "application-api-1.log",
        "not JSON: app-1",
        line(1, "application-api", "application.accepted", **accepted),
        line(1.5, "application-api", "application.accepted", **of("app-2", trace__id="t-2")),
    )
    write(
        home.logs,
        "risk-worker-1.log",
        line(2, "risk-worker", "application.scored", **of("app-1", trace__id="t-1")),
    )
    write(
        home.logs,
        "bank-sandbox-1.log",
        line(3, "bank-sandbox", "bank.payment_settled", fundline__correlation_id="c-1"),
        line(3.1, "bank-sandbox", "bank.payment_settled", fundline__correlation_id="c-2"),
        line(3.2, "bank-sandbox", "batch.item", **of("app-2", fundline__correlation_id="c-1")),
    )
    write(home.logs, "event-router-1.log.1", line(0.5, "event-router", "event.relayed", trace__id="t-1"))
    return home.logs


def events(lines):
    return [(entry["service.name"], entry["message"]) for entry in lines]


STORY = [
    ("event-router", "event.relayed"),
    ("application-api", "application.accepted"),
    ("risk-worker", "application.scored"),
    ("bank-sandbox", "bank.payment_settled"),
]


@pytest.mark.parametrize("wanted", ["app-1", "FL-1"])
def test_the_story_is_told_over_all_processes_in_the_order_of_time(logs, wanted):
    _, lines = read_story(log_files(logs), wanted)
    assert events(lines) == STORY


def test_a_line_of_another_application_in_the_same_batch_stays_out(logs):
    _, lines = read_story(log_files(logs), "app-1")
    assert "batch.item" not in [entry["message"] for entry in lines]


def test_new_lines_are_followed_once_and_only_when_complete(logs):
    story, _ = read_story(log_files(logs), "app-1")
    tail = Tail(logs)
    write(logs, "disbursement-worker-1.log", line(4, "disbursement-worker", "payment.settled", **of("app-1")))
    with (logs / "bank-sandbox-1.log").open("a") as log:
        log.write(json.dumps(line(5, "bank-sandbox", "bank.asked", trace__id="t-1"))[:20])
    assert events(tail.new_lines(story)) == [("disbursement-worker", "payment.settled")]
    assert tail.new_lines(story) == []


def test_a_log_that_was_emptied_is_followed_from_its_start(logs):
    story = Story("app-1")
    tail = Tail(logs)
    os.truncate(logs / "risk-worker-1.log", 0)
    write(logs, "risk-worker-1.log", line(6, "risk-worker", "again", **of("app-1")))
    assert events(tail.new_lines(story)) == [("risk-worker", "again")]


def test_a_line_shows_time_process_event_and_the_fields_without_the_plumbing():
    shown = render(
        line(
            1, "risk-worker", "application.scored", **of("app-1", span__id="s", fundline__verdict="approved")
        )
        | {"event.duration": 19_118_360}
    ).plain
    assert "risk-worker-1" in shown
    assert "application.scored" in shown
    assert "verdict=approved" in shown
    assert "event.duration=19.1ms" in shown
    assert "app-1" not in shown


def test_an_unknown_application_is_refused_with_a_sentence(logs):
    with pytest.raises(CommandFailed, match="No log mentions app-9"):
        print_story(StackHome(logs.parent), "app-9", False, Console(quiet=True))
