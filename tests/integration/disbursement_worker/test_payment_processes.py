"""The worker and the bank as the processes they are, on real Kafka, killed while they pay."""

import asyncio
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fundline.platform.kafka.producer import EventProducer, Outgoing
from fundline.platform.settings import KafkaSettings
from fundline.stack.flags_file import DEFAULT_FLAGS
from support.approved_applications import (
    ACCOUNT_NUMBER,
    payment_requested,
    scoring_completed,
    store_application,
)
from support.bank import BankProcess, until_ready
from support.books import assert_books_agree
from support.ports import free_port

pytestmark = pytest.mark.integration
APPLICATIONS = 40


class WorkerProcess:
    def __init__(self, name: str, environment: dict[str, str], folder: Path) -> None:
        self.log_file = folder / f"{name}.log"
        self.url = f"http://127.0.0.1:{environment['FUNDLINE_HTTP_PORT']}"
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "fundline.services.disbursement_worker.main"],
                env={**os.environ, **environment, "FUNDLINE_INSTANCE": name},
                stdout=log,
                stderr=log,
            )

    def stop(self, number: int = signal.SIGTERM) -> int:
        """The exit status."""
        self._process.send_signal(number)
        return self._process.wait(30)


@pytest.fixture
def start_worker(engines, database_url, topic_prefix, account_key_file, tmp_path):
    started = []

    def start(name: str, bank_url: str) -> WorkerProcess:
        environment = {
            "FUNDLINE_HTTP_PORT": str(free_port()),
            "FUNDLINE_DATABASE_URL": database_url,
            "FUNDLINE_KAFKA_BOOTSTRAP": engines.bootstrap,
            "FUNDLINE_KAFKA_DIALECT": engines.kafka_dialect,
            "FUNDLINE_TOPIC_PREFIX": topic_prefix,
            "FUNDLINE_ACCOUNT_KEY_FILE": str(account_key_file),
            "FUNDLINE_BANK_URL": bank_url,
            "FUNDLINE_BANK_WEBHOOK_SECRET_FILE": str(engines.stack.keys.bank_webhook_secret),
            "FUNDLINE_FLAGS_FILE": str(DEFAULT_FLAGS),
            "FUNDLINE_RETRY_CAP_S": "1",
        }
        started.append(WorkerProcess(name, environment, tmp_path))
        return started[-1]

    yield start
    for worker in started:
        with contextlib.suppress(ProcessLookupError):
            worker.stop(signal.SIGKILL)


@pytest.fixture
async def bank(tmp_path):
    process = BankProcess(tmp_path / "bank.sqlite", delay_ms=100)
    await process.start()
    yield process
    process.kill()


@pytest.fixture
def publish(engines, topic_prefix):
    producer = EventProducer(
        KafkaSettings(
            kafka_bootstrap=engines.bootstrap, kafka_dialect=engines.kafka_dialect, topic_prefix=topic_prefix
        )
    )

    async def send(events):
        batch = [
            Outgoing(event.topic.name, event.key, event.payload.wire(), event.envelope.headers())
            for event in events
        ]
        await asyncio.to_thread(producer.publish, batch)

    return send


async def paid(database) -> int:
    row = await database.fetchrow("select count(*) as n from applications where status = 'disbursed'")
    return row["n"]


async def until_paid(database, at_least: int) -> None:
    while await paid(database) < at_least:
        await asyncio.sleep(0.05)


async def test_every_application_is_paid_once_though_events_repeat_and_workers_and_bank_are_killed(
    database, box, bank, start_worker, publish, tmp_path
):
    first, second = (
        start_worker(name, bank.url) for name in ("disbursement-worker-1", "disbursement-worker-2")
    )
    await asyncio.gather(until_ready(first.url), until_ready(second.url))
    applications = [await store_application(database, box) for _ in range(APPLICATIONS)]
    events = [payment_requested(application_id) for application_id in applications] * 3
    events += [scoring_completed(application_id) for application_id in applications]
    random.Random(7).shuffle(events)
    await publish(events)

    await until_paid(database, 1)
    first.stop(signal.SIGKILL)
    await until_paid(database, 2)
    second.stop(signal.SIGKILL)  # one of the two held the payments; both die with some of them in flight
    bank.kill()
    await bank.start()
    third, fourth = (
        start_worker(name, bank.url) for name in ("disbursement-worker-3", "disbursement-worker-4")
    )
    await asyncio.gather(until_ready(third.url), until_ready(fourth.url))
    await until_paid(database, APPLICATIONS)

    await assert_books_agree(database, bank.url)
    assert (third.stop(), fourth.stop()) == (0, 0)
    logs = "".join(path.read_text() for path in tmp_path.glob("*.log"))
    assert ACCOUNT_NUMBER not in logs


async def test_the_log_lines_of_a_payment_carry_its_ids_and_the_caller_s_trace(
    database, box, bank, start_worker, publish, tmp_path
):
    worker = start_worker("disbursement-worker-1", bank.url)
    application_id = await store_application(database, box)
    event = payment_requested(application_id)
    await publish([event])
    await until_paid(database, 1)
    assert worker.stop() == 0
    lines = [json.loads(line) for line in worker.log_file.read_text().splitlines()]
    story = [line for line in lines if line["message"].startswith("payment.")]
    assert [line["message"] for line in story] == ["payment.submitted", "payment.settled"]
    bank_lines = [json.loads(line) for line in bank.log_file.read_text().splitlines()]
    story += [line for line in bank_lines if line["message"] == "bank.payment_settled"]
    assert len(story) == 3
    assert {line["trace.id"] for line in story} == {event.envelope.traceparent.split("-")[1]}
    assert {line["fundline.correlation_id"] for line in story} == {"test-correlation"}
    assert len({line["fundline.payment_id"] for line in story}) == 1
    assert {line.get("fundline.application_id", str(application_id)) for line in story} == {
        str(application_id)
    }
