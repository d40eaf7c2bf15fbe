"""The notification service as the process it is, on real Kafka, killed while it delivers."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys

import pytest
from standardwebhooks import Webhook

from fundline.contracts.payloads import StatusUpdated
from fundline.contracts.topics import STATUS_UPDATED
from fundline.platform.clock import utc_now
from fundline.platform.kafka.producer import EventProducer, Outgoing
from fundline.platform.settings import KafkaSettings
from support.bank import until_ready
from support.ports import free_port
from support.receiver import receiving
from support.stored import event_of

pytestmark = pytest.mark.integration


@pytest.fixture
def start(engines, database_url, topic_prefix, webhook_key_file, tmp_path):
    started = []

    async def run() -> subprocess.Popen[bytes]:
        port = free_port()
        environment = {
            "FUNDLINE_HTTP_PORT": str(port),
            "FUNDLINE_DATABASE_URL": database_url,
            "FUNDLINE_KAFKA_BOOTSTRAP": engines.bootstrap,
            "FUNDLINE_KAFKA_DIALECT": engines.kafka_dialect,
            "FUNDLINE_TOPIC_PREFIX": topic_prefix,
            "FUNDLINE_JWKS_FILE": str(engines.stack.keys.jwks),
            "FUNDLINE_WEBHOOK_KEY_FILE": str(webhook_key_file),
            "FUNDLINE_WEBHOOK_TARGETS": "development",
            "FUNDLINE_NOTIFICATION_LEASE_S": "1",
            "FUNDLINE_NOTIFICATION_POLL_S": "0.1",
        }
        with (tmp_path / "service.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "fundline.services.notification_service.main"],
                env={**os.environ, **environment},
                stdout=log,
                stderr=log,
            )
        started.append(process)
        await until_ready(f"http://127.0.0.1:{port}")
        return process

    yield run
    for process in started:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
            process.wait()


@pytest.fixture
def publish(engines, topic_prefix):
    producer = EventProducer(
        KafkaSettings(
            kafka_bootstrap=engines.bootstrap, kafka_dialect=engines.kafka_dialect, topic_prefix=topic_prefix
        )
    )

    async def send(application_id, *, times: int = 1):
        payload = StatusUpdated(
            application_id=application_id,
            status="approved",
            timestamp=utc_now(),
            sequence=3,
            tracking_id="FL-7K2Q-M9XD-40RTP",
            user_id="alice",
        )
        event = event_of(STATUS_UPDATED, payload, application_id)
        message = Outgoing(event.topic.name, event.key, payload.wire(), event.envelope.headers())
        await asyncio.to_thread(producer.publish, [message] * times)

    return send


async def test_killed_between_sending_and_recording_it_delivers_again_under_the_same_id(
    service, register, start, publish, application_id
):
    """At least once: the receiver has the webhook, we do not know it, so it comes again and is known by its id."""
    await service.stop_courier()  # only its API is of use here
    async with receiving() as receiver:
        endpoint = await register(service, receiver.url)
        receiver.hold.clear()
        process = await start()
        await publish(application_id, times=3)
        await receiver.until(1)
        process.kill()
        process.wait()
        receiver.hold.set()
        second = await start()
        await receiver.until(2)
        await service.until_state("delivered")
        assert (await _stopped(second)) == 0
    assert len(receiver.received) == 2
    ids = {request.headers["webhook-id"] for request in receiver.received}
    assert len(ids) == 1
    for request in receiver.received:
        Webhook(endpoint["secret"]).verify(request.body, request.headers)


async def _stopped(process: "subprocess.Popen[bytes]") -> int:
    process.send_signal(signal.SIGTERM)
    return await asyncio.to_thread(process.wait, 30)
