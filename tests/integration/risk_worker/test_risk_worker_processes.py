"""Risk workers as processes on real Kafka: one that stands still, models that do not answer, poisonous messages."""

import asyncio
import dataclasses
import json
import signal
import uuid
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from fundline.contracts.envelope import make_envelope
from fundline.contracts.payloads import RiskScoringRequested
from fundline.contracts.topics import RISK_SCORING_REQUESTED, Group
from fundline.platform.clock import new_id
from fundline.platform.database import Database
from fundline.platform.kafka.messages import CAUSE
from fundline.platform.kafka.producer import EventProducer, Outgoing
from fundline.platform.settings import KafkaSettings
from support.kafka import read_all
from support.model_service import ScriptedModelServer, good_answer, json_response
from support.risk_worker_process import RiskWorkerProcess
from support.stored import submitted_application

pytestmark = pytest.mark.integration
BREAKER_OPEN = 2
NONSENSE = (1.7, -0.1, "NaN", None, "high")
"""Probabilities that cannot be."""


@pytest.fixture
def kafka(engines, topic_prefix) -> KafkaSettings:
    return KafkaSettings(
        kafka_bootstrap=engines.bootstrap, kafka_dialect=engines.kafka_dialect, topic_prefix=topic_prefix
    )


@pytest.fixture
def start_worker(engines, database_url, kafka, tmp_path):
    started = []

    def start(name: str, model_url: str, **settings: str) -> RiskWorkerProcess:
        environment = {
            "FUNDLINE_DATABASE_URL": database_url,
            "FUNDLINE_KAFKA_BOOTSTRAP": kafka.kafka_bootstrap,
            "FUNDLINE_KAFKA_DIALECT": kafka.kafka_dialect,
            "FUNDLINE_TOPIC_PREFIX": kafka.topic_prefix,
            "FUNDLINE_CACHE_URL": engines.cache_url,
            "FUNDLINE_MODEL_URL": model_url,
            "FUNDLINE_SIMULATION_PATHS": "1000",
            "FUNDLINE_RETRY_CAP_S": "0.1",
            **settings,
        }
        started.append(RiskWorkerProcess(name, environment, tmp_path))
        return started[-1]

    yield start
    for worker in started:
        worker.kill()


def request(application_id: uuid.UUID) -> Outgoing:
    at = datetime.now(UTC)
    payload = RiskScoringRequested(
        application_id=application_id, amount="50000.00", currency="USD", timestamp=at
    )
    envelope = make_envelope(
        event_id=new_id(),
        event_type=RISK_SCORING_REQUESTED.event_type,
        source="/fundline/tests",
        at=at,
        subject=str(application_id),
        schema_version=RISK_SCORING_REQUESTED.schema_version,
        correlation_id="tests",
        traceparent="",
    )
    return Outgoing(RISK_SCORING_REQUESTED.name, str(application_id), payload.wire(), envelope.headers())


async def publish(kafka: KafkaSettings, *messages: Outgoing) -> None:
    await asyncio.to_thread(EventProducer(kafka).publish, list(messages))


async def until(condition: Callable[[], bool], within_s: float = 60) -> None:
    async with asyncio.timeout(within_s):
        while not condition():
            await asyncio.sleep(0.02)


async def assessments(database: Database, *application_ids: uuid.UUID) -> list[dict]:
    rows = await database.fetch(
        "select risk_score, verdict, principal_reasons, fallback_cause, evidence::text as evidence"
        " from risk_assessments where application_id = any($1) order by assessed_at",
        list(application_ids),
    )
    return [dict(row) for row in rows]


async def assessed(database: Database, *application_ids: uuid.UUID) -> list[dict]:
    async with asyncio.timeout(60):
        while len(rows := await assessments(database, *application_ids)) < len(application_ids):
            await asyncio.sleep(0.05)
    return rows


async def test_a_worker_that_stalls_mid_score_is_replaced_and_its_late_result_is_not_committed(
    database, box, kafka, start_worker
):
    """Promise 16: stopped while it waits for the model, for longer than its session; woken when all is over."""
    first_model = ScriptedModelServer(lambda: json_response(good_answer(parameters=digest("a"))))
    second_model = ScriptedModelServer(lambda: json_response(good_answer(parameters=digest("b"))))
    first_model.may_answer.clear()
    application_id = await submitted_application(database, box)
    async with first_model.over_http() as first_url, second_model.over_http() as second_url:
        stalled = start_worker("risk-worker-1", first_url, FUNDLINE_MODEL_TIMEOUT_S="10")
        await publish(kafka, request(application_id))
        await until(lambda: first_model.asked == 1)
        stalled.send(signal.SIGSTOP)
        start_worker("risk-worker-2", second_url)
        (recorded,) = await assessed(database, application_id)
        first_model.may_answer.set()
        stalled.send(signal.SIGCONT)
        await until(lambda: bool(stalled.log("application.score_refused")))
        assert await assessments(database, application_id) == [recorded]
        assert json.loads(recorded["evidence"])["score"]["digest"] == "b" * 64
        assert await completed_events(database, application_id) == 1
        assert stalled.runs()
        others = [await submitted_application(database, box) for _ in range(6)]
        await publish(kafka, *map(request, others))
        assert len(await assessed(database, *others)) == 6


def digest(letter: str) -> dict[str, object]:
    return {"base_rate": 0.2, "digest": letter * 64}


async def completed_events(database: Database, application_id: uuid.UUID) -> int:
    rows = await database.fetch(
        "select 1 from outbox where key = $1 and topic = 'risk.scoring.completed'", application_id
    )
    return len(rows)


async def test_a_score_that_takes_longer_than_the_session_costs_the_worker_no_partition(
    database, box, kafka, start_worker
):
    model = ScriptedModelServer(lambda: json_response(good_answer()), delay_s=8)
    async with model.over_http() as url:
        worker = start_worker(
            "risk-worker-1",
            url,
            FUNDLINE_MODEL_TIMEOUT_S="10",
            FUNDLINE_CONSUMER_SESSION_TIMEOUT_MS="6000",
        )
        application_id = await submitted_application(database, box)
        await publish(kafka, request(application_id))
        (row,) = await assessed(database, application_id)
    assert row["fallback_cause"] is None
    assert worker.log("consumer.revoked") == []
    assert {line["fundline.group"] for line in worker.log("consumer.assigned")} == {
        "risk-worker",
        "risk-intake",
    }
    assert len(worker.log("consumer.assigned")) == 2


async def test_a_model_that_takes_half_a_minute_costs_one_time_out_and_then_nothing(
    database, box, kafka, start_worker
):
    """Promise 5: the breaker opens, every application is referred, and the model is left alone."""
    model = ScriptedModelServer(lambda: json_response(good_answer()), delay_s=30)
    async with model.over_http() as url:
        worker = start_worker("risk-worker-1", url, FUNDLINE_MODEL_TIMEOUT_S="0.3")
        first = [await submitted_application(database, box) for _ in range(8)]
        await publish(kafka, *map(request, first))
        await assessed(database, *first)
        assert await worker.metric("fundline_breaker_state", dependency="model-service") == BREAKER_OPEN
        asked = model.asked
        second = [await submitted_application(database, box) for _ in range(30)]
        await publish(kafka, *map(request, second))
        rows = await assessed(database, *first, *second)
        assert {row["verdict"] for row in rows} == {"pending_review"}
        assert all("model_unavailable" in row["principal_reasons"] for row in rows)
        refused = await worker.metric("fundline_model_calls_total", result="rejected_by_breaker")
        assert refused + (model.asked - asked) >= len(second)
        assert model.asked - asked <= 4, "probes come 5, 10, 15 and 15 seconds after each other"


async def test_a_model_that_answers_nonsense_leads_to_referrals_and_to_no_crash(
    database, box, kafka, start_worker
):
    """Each kind, with a right answer behind it, so that the breaker lets the next one through; then many at once."""
    said: list[object] = []
    model = ScriptedModelServer(lambda: json_response(good_answer(probability=[said[-1]])))

    async def scored(count: int, probability: object) -> list[dict]:
        said.append(probability)
        applications = [await submitted_application(database, box) for _ in range(count)]
        await publish(kafka, *map(request, applications))
        return await assessed(database, *applications)

    async with model.over_http() as url:
        worker = start_worker("risk-worker-1", url)
        for nonsense in NONSENSE:
            (row,) = await scored(1, nonsense)
            assert (row["verdict"], "model_unavailable" in row["principal_reasons"]) == (
                "pending_review",
                True,
            )
            assert "probab" in row["fallback_cause"], nonsense
            (sound,) = await scored(1, 0.5)
            assert sound["fallback_cause"] is None
        for nonsense in NONSENSE:
            rows = await scored(8, nonsense)
            assert {row["verdict"] for row in rows} == {"pending_review"}
            assert all("model_unavailable" in row["principal_reasons"] for row in rows)
        assert worker.runs()
        topic = kafka.topic_prefix + RISK_SCORING_REQUESTED.dead_letter
        assert await asyncio.to_thread(read_all, kafka.kafka_bootstrap, topic) == []


async def test_a_poison_request_blocks_nobody_and_is_dead_lettered_with_its_cause(
    database, box, kafka, start_worker
):
    """Promise 14, in the process: bad JSON, an unknown version, an unknown application; between them a good one."""
    model = ScriptedModelServer(lambda: json_response(good_answer()))
    good, stranger = await submitted_application(database, box), uuid.uuid4()
    not_json = dataclasses.replace(request(stranger), value=b"{not json")
    future = request(stranger)
    future = dataclasses.replace(future, headers={**future.headers, "ce_schemaversion": "99"})
    async with model.over_http() as url:
        start_worker("risk-worker-1", url)
        await publish(kafka, not_json, future, request(stranger), request(good))
        await assessed(database, good)
        topic = kafka.topic_prefix + RISK_SCORING_REQUESTED.dead_letter
        dead = await asyncio.to_thread(read_all, kafka.kafka_bootstrap, topic, wait_for=3)
    causes = sorted(letter.headers[CAUSE] for letter in dead)
    assert len(causes) == 3
    assert causes[0].startswith("Poison: bad payload")
    assert causes[1].startswith("Poison: no application has the id")
    assert causes[2].startswith("Poison: unknown version")
    assert {letter.headers["fundline-group"] for letter in dead} == {Group.RISK_WORKER}
