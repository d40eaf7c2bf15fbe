"""Figure 5: how fast the event router empties the outbox, and how late an event is at a steady rate."""

import os
import statistics
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from confluent_kafka import Consumer, Producer, TopicPartition

from fundline.contracts.topics import APPLICATIONS_CREATED, RISK_SCORING_REQUESTED, STATUS_UPDATED
from fundline.platform.database.outbox import TAKE_BATCH
from fundline.platform.kafka.client import consumer_config, producer_config
from fundline.platform.kafka.topics import create_topics
from fundline.platform.settings import KafkaSettings
from fundline.services.event_router.settings import Settings
from load.figures import Figure, latency_ms, spread
from load.machine import CoresUsed
from load.pgbench import SubmitScript, run_script
from load.site import Site

BATCH = int(Settings.model_fields["router_batch"].default)
"""What the router takes at once, and what its limit takes too."""
WRITE_RATE, EVENTS_PER_WRITE = 200.0, 3
_PARTITIONS = 6
_READY_S, _DRAIN_S = 30.0, 90.0
_STEADY = (0.05, 0.95)
"""The share of rows between which the rate is taken: without the start and the last, incomplete batches."""
_SAMPLE = """
create table if not exists bench_sample as
    select topic, payload, headers from outbox order by position limit 300;
truncate outbox;
"""
_FILL = """
insert into outbox (event_id, topic, key, payload, headers)
select gen_random_uuid(), topic, gen_random_uuid(), payload, headers
from bench_sample, generate_series(1, {rows} / (select count(*) from bench_sample) + 1) as again
limit {rows};
"""
_SENT_AT = "rpad(extract(epoch from clock_timestamp())::text, 240)"


def router_figures(site: Site, *, quick: bool) -> Figure:
    """Needs a stack without a router that holds submitted applications; leaves the outbox empty."""
    rows = 20_000 if quick else 100_000
    rounds = 1 if quick else 2
    script = SubmitScript(site, {"payloads": f"array[{', '.join([_SENT_AT] * EVENTS_PER_WRITE)}]"})
    site.sql(_SAMPLE)
    sample = [
        line.split("|", 1) for line in site.sql("select topic, payload from bench_sample;").splitlines()
    ]
    drained, cores = [], {}
    taken = []
    for number in range(rounds):
        with running_router(site, f"bench-drain-{number}.") as router:
            site.sql(_FILL.format(rows=rows))
            watch = CoresUsed(site.pids("postgres", "kafka") | {"event-router": router.pid})
            drained.append(router.rows_per_second(rows))
            cores = watch.read()
        site.sql(_FILL.format(rows=rows))
        taken.append(_bare_take(site, rows))
        site.sql("truncate outbox;")
    produced = [_bare_producer(site, f"bench-producer-{n}.", sample, rows) for n in range(rounds)]
    return {
        "figure": spread(drained),
        "unit": "rows/s from the outbox to Kafka's acknowledgement, one active relay",
        "limit": spread(taken),
        "limit_is": f"the same DELETE ... RETURNING of {BATCH} rows by pgbench, one client, without Kafka",
        "ratio": {"median": round(statistics.median(drained) / statistics.median(taken), 3)},
        "second_limit": spread(produced),
        "second_limit_is": "the bare producer with the same settings, all rows in one go, messages/s",
        "rows": rows,
        "cores_used": cores,
        "lag": _lag(site, script, 4.0 if quick else 10.0),
    }


class _Router:
    """The real process, started by us so that it gets topics of its own."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int) -> None:
        self.pid, self._process = process.pid, process
        self._base = f"http://127.0.0.1:{port}"

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + _READY_S
        while time.monotonic() < deadline and self._process.poll() is None:
            if "fundline_outbox_leader 1.0" in self._read("/metrics"):
                return
            time.sleep(0.05)
        raise RuntimeError("the event router did not become the leader")

    def rows_per_second(self, rows: int) -> float:
        """Watches the router's own counter of acknowledged rows."""
        seen: list[tuple[float, float]] = []
        deadline = time.monotonic() + _DRAIN_S
        while time.monotonic() < deadline:
            seen.append((time.monotonic(), self._relayed()))
            if seen[-1][1] >= rows:
                first = next(one for one in seen if one[1] >= rows * _STEADY[0])
                last = next(one for one in seen if one[1] >= rows * _STEADY[1])
                return (last[1] - first[1]) / max(last[0] - first[0], 0.001)
            time.sleep(0.05)
        raise RuntimeError(f"the router has moved {seen[-1][1]:.0f} of {rows} rows in {_DRAIN_S:.0f} s")

    def _relayed(self) -> float:
        lines = self._read("/metrics").splitlines()
        return sum(float(x.split()[-1]) for x in lines if x.startswith("fundline_outbox_relayed_total{"))

    def _read(self, path: str) -> str:
        try:
            with urllib.request.urlopen(self._base + path, timeout=5) as answer:  # noqa: S310 - our own http address
                return str(answer.read().decode())
        except (urllib.error.URLError, OSError):
            return ""


@contextmanager
def running_router(site: Site, prefix: str) -> Iterator[_Router]:
    create_topics(site.stack.kafka.address, prefix=prefix, partitions=_PARTITIONS)
    port = site.stack.ports.event_router
    environment = os.environ | site.stack.settings
    environment |= {"FUNDLINE_TOPIC_PREFIX": prefix, "FUNDLINE_HTTP_PORT": str(port)}
    environment |= {"FUNDLINE_PROCESS": "event-router", "FUNDLINE_INSTANCE": "event-router-bench"}
    with site.stack.home.log_file("event-router-bench").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "fundline.services.event_router.main"],
            env=environment,
            stdout=log,
            stderr=log,
        )
    router = _Router(process, port)
    try:
        router.wait_until_ready()
        yield router
    finally:
        process.terminate()
        process.wait(30)


def _bare_take(site: Site, rows: int) -> float:
    batches = rows // BATCH
    text = TAKE_BATCH.replace("$1", str(BATCH)).replace("$2::text[]", "array[]::text[]").strip() + ";\n"
    return run_script(site, text, "-c", "1", "-t", str(batches), timeout_s=120) * BATCH


def _bare_producer(site: Site, prefix: str, sample: list[list[str]], rows: int) -> float:
    create_topics(site.stack.kafka.address, prefix=prefix, partitions=_PARTITIONS)
    producer = Producer(producer_config(_kafka_settings(site, prefix)))
    messages = [(prefix + topic, payload.encode()) for topic, payload in sample]
    producer.list_topics(timeout=10)
    started = time.monotonic()
    for number in range(rows):
        topic, payload = messages[number % len(messages)]
        while True:
            try:
                producer.produce(topic, key=str(number), value=payload)
                break
            except BufferError:
                producer.poll(0.01)
        if number % BATCH == 0:
            producer.poll(0)
    if producer.flush(60):
        raise RuntimeError("Kafka did not acknowledge every message of the bare producer")
    return rows / (time.monotonic() - started)


def _lag(site: Site, script: SubmitScript, seconds: float) -> Figure:
    """pgbench submits at a constant rate; a consumer compares each event's time of writing with now."""
    prefix = "bench-lag."
    delays: list[float] = []
    stop = threading.Event()
    with running_router(site, prefix):
        reader = threading.Thread(target=_note_delays, args=(site, prefix, delays, stop))
        reader.start()
        time.sleep(1.0)
        script.run(4, seconds, WRITE_RATE)
        time.sleep(1.0)
        stop.set()
        reader.join()
    settled = delays[len(delays) // 10 :]  # without the first connections and metadata
    return {
        "ms": latency_ms(settled),
        "unit": "from just before the commit to the receipt by a consumer: a little more than the acknowledgement",
        "events": len(delays),
        "transactions_per_s": WRITE_RATE,
    }


def _note_delays(site: Site, prefix: str, delays: list[float], stop: threading.Event) -> None:
    consumer = Consumer(consumer_config(_kafka_settings(site, prefix), "bench-lag"))
    topics = (APPLICATIONS_CREATED, RISK_SCORING_REQUESTED, STATUS_UPDATED)
    consumer.assign([TopicPartition(prefix + t.name, n, 0) for t in topics for n in range(_PARTITIONS)])
    try:
        while not stop.is_set():
            message = consumer.poll(0.1)
            if message is not None and message.error() is None:
                delays.append(time.time() - float(message.value() or b"nan"))
    finally:
        consumer.close()


def _kafka_settings(site: Site, prefix: str) -> KafkaSettings:
    kafka = site.stack.kafka
    return KafkaSettings(
        kafka_bootstrap=kafka.address, kafka_dialect=kafka.dialect, topic_prefix=prefix, instance="bench"
    )
