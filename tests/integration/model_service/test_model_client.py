"""The way to the model service, over real HTTP. Needs no engines."""

import asyncio
import signal
from decimal import Decimal

import pytest
from prometheus_client import CollectorRegistry
from starlette.responses import Response

from fundline.platform.resilience import RetryBudget, RetryPolicy
from fundline.platform.telemetry.metrics import Metrics
from fundline.risk.artefact import MODELS_DIRECTORY, available_versions, load_model
from fundline.risk.features import FEATURE_NAMES
from fundline.risk.model import model_score
from fundline.services.risk_worker.model_client import BadModelAnswer, ModelAway, ModelClient
from support.model_service import (
    ROW,
    ModelServiceProcess,
    ScriptedModelServer,
    good_answer,
    json_response,
)
from support.ports import free_port
from support.retries import saved_up

pytestmark = pytest.mark.integration

VERSION = "scorecard-2"
AT_ONCE = RetryPolicy(base_s=0)
NO_RETRIES = RetryPolicy(attempts=1)


class Worker:
    """A client with a clock that the test moves; its breaker rests for 10 s."""

    def __init__(self, url, *, timeout_s=30.0, policy=AT_ONCE, budget=None):
        self.now = 0.0
        self.metrics = Metrics(CollectorRegistry())
        self.client = ModelClient(
            url,
            self.metrics,
            timeout_s=timeout_s,
            open_for_s=10,
            policy=policy,
            budget=budget or saved_up(),
            clock=lambda: self.now,
            dice=lambda: 0.0,
        )

    async def score(self, version=VERSION):
        return await self.client.score(version, ROW)

    async def failure(self, version=VERSION):
        with pytest.raises((ModelAway, BadModelAnswer)) as failed:
            await self.score(version)
        return failed.value

    def calls(self, result, version=VERSION):
        labels = {"version": version, "result": result}
        return self.metrics.registry.get_sample_value("fundline_model_calls_total", labels) or 0

    def gauge(self):
        return self.metrics.registry.get_sample_value(
            "fundline_breaker_state", {"dependency": "model-service"}
        )

    def retries(self):
        return self.metrics.registry.get_sample_value(
            "fundline_retries_total", {"dependency": "model-service"}
        )


@pytest.fixture
async def server():
    """Answers well until told otherwise."""
    scripted = ScriptedModelServer(lambda: json_response(good_answer()))
    async with scripted.over_http() as url:
        scripted.url = url
        yield scripted


@pytest.fixture
async def worker(server):
    made = Worker(server.url)
    yield made
    await made.client.close()


async def test_a_good_answer_becomes_a_score(worker, server):
    score = await worker.score()
    assert (score.version, score.probability, score.base_rate) == (VERSION, Decimal("0.5"), Decimal("0.2"))
    assert [c.feature for c in score.contributions] == list(FEATURE_NAMES)
    assert score.digest == "0" * 64
    assert server.timeouts == ["30000"]
    assert worker.calls("ok") == 1


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"model_version": "scorecard-1"}, "another model answered than scorecard-2"),
        ({"model_name": "cake"}, "another model answered"),
        ({"outputs": []}, "explained other features"),
        ({"parameters": {}}, "without the digest"),
        ({"parameters": {"digest": "0", "base_rate": 0}}, "not a probability"),
        ({"parameters": {"digest": "0"}}, "base_rate is not a finite number"),
        ({"probability": [1.5]}, "1.5, which is not a probability"),
        ({"probability": [-0.5]}, "-0.5, which is not a probability"),
        ({"probability": [1.0]}, "1.0, which is not a probability"),
        ({"probability": [None]}, "probability is not a finite number"),
        ({"probability": ["0.5"]}, "probability is not a finite number"),
        ({"probability": [True]}, "probability is not a finite number"),
        ({"probability": [0.5, 0.5]}, "probability has not the shape [1]"),
        ({"probability": []}, "probability has not the shape [1]"),
        ({"contributions": [0.0]}, "contributions has not the shape [1, 8]"),
        ({"base": [0.00001]}, "do not add up"),
        ({"contributions": [*[0.0] * 7, 0.00001]}, "do not add up"),
    ],
)
async def test_an_answer_that_no_model_may_give_is_refused_and_not_asked_for_again(
    worker, server, changes, cause
):
    server.answer = lambda: json_response(good_answer(**changes))
    failure = await worker.failure()
    assert isinstance(failure, BadModelAnswer)
    assert cause in str(failure)
    assert server.asked == 1
    assert worker.calls("bad_answer") == 1


@pytest.mark.parametrize("body", [b'{"probability": NaN}', b"<html>", b"[]"])
async def test_an_answer_that_is_not_json_is_no_answer(worker, server, body):
    server.answer = lambda: Response(body, media_type="application/json")
    assert isinstance(await worker.failure(), ModelAway)


async def test_five_bad_answers_open_the_breaker_too(worker, server):
    server.answer = lambda: json_response(good_answer(probability=[2.0]))
    for _ in range(5):
        assert isinstance(await worker.failure(), BadModelAnswer)
    assert worker.client.is_open
    assert "breaker of model-service is open" in str(await worker.failure())
    assert server.asked == 5


@pytest.mark.parametrize("status", [400, 404, 413])
async def test_a_refusal_means_that_the_service_is_well(worker, server, status):
    server.answer = lambda: json_response({"error": "This version is not loaded."}, status)
    for _ in range(10):
        failure = await worker.failure()
    assert isinstance(failure, ModelAway)
    assert f"({status}): This version is not loaded." in str(failure)
    assert server.asked == 10
    assert not worker.client.is_open
    assert worker.calls("refused") == 10


async def test_a_passing_failure_is_mended_by_a_retry(worker, server):
    answers = [json_response({}, 503), json_response(good_answer())]
    server.answer = lambda: answers.pop(0)
    assert (await worker.score()).version == VERSION
    assert (server.asked, worker.retries()) == (2, 1)


async def test_the_breaker_opens_after_five_failed_calls_retries_included(worker, server):
    """Promises 5 and 6: twenty scores cost the failing service five calls."""
    server.answer = lambda: json_response({"error": "broken"}, 503)
    for _ in range(20):
        assert isinstance(await worker.failure(), ModelAway)
    assert server.asked == 5
    assert worker.gauge() == 2
    assert worker.calls("unanswered") == 5
    assert worker.calls("rejected_by_breaker") == 19


async def test_a_server_that_never_answers_costs_five_time_outs_and_no_more(server):
    """Promise 5: a model that takes longer than anybody waits."""
    server.delay_s = 60
    worker = Worker(server.url, timeout_s=0.1, policy=NO_RETRIES)
    causes = [str(await worker.failure()) for _ in range(20)]
    assert all("gave no answer" in cause for cause in causes[:5])
    assert all("is open" in cause for cause in causes[5:])
    assert server.asked <= 5
    await worker.client.close()


async def test_of_twenty_callers_at_half_open_exactly_one_reaches_the_server(worker, server):
    """Promise 5."""
    server.answer = lambda: json_response({}, 503)
    while not worker.client.is_open:
        await worker.failure()
    asked_before = server.asked
    server.answer = lambda: json_response(good_answer())
    server.delay_s = 0.2
    worker.now += 10
    outcomes = await asyncio.gather(*[worker.score() for _ in range(20)], return_exceptions=True)
    assert server.asked - asked_before == 1
    assert sum(isinstance(outcome, ModelAway) for outcome in outcomes) == 19
    assert worker.gauge() == 0
    await worker.score()


async def test_a_probe_that_is_cancelled_does_not_block_the_next(worker, server):
    server.answer = lambda: json_response({}, 503)
    while not worker.client.is_open:
        await worker.failure()
    server.answer = lambda: json_response(good_answer())
    server.delay_s = 60
    worker.now += 10
    before = server.asked
    probe = asyncio.create_task(worker.score())
    while server.asked == before:
        await asyncio.sleep(0.01)
    probe.cancel()
    await asyncio.wait([probe])
    server.delay_s = 0
    assert (await worker.score()).version == VERSION
    assert worker.calls("cancelled") == 1


async def test_at_a_hundred_percent_errors_the_service_sees_a_tenth_more_calls_at_most(server):
    """Promise 6, counted at the service. The breaker's rest is over before each score, so that all reach it."""
    server.answer = lambda: json_response({}, 503)
    worker = Worker(server.url, budget=RetryBudget())
    for _ in range(300):
        worker.now += 100
        await worker.failure()
    assert server.asked <= 300 + 30
    assert worker.retries() <= 30
    await worker.client.close()


async def test_nobody_at_home_is_an_away_model():
    worker = Worker(f"http://127.0.0.1:{free_port()}")
    assert "could not be reached" in str(await worker.failure())
    assert worker.calls("not_sent") == 3
    await worker.client.close()


@pytest.fixture
async def process(tmp_path):
    running = ModelServiceProcess(tmp_path / "log")
    await running.start()
    yield running
    running.kill()


async def test_the_real_service_scores_as_the_model_in_this_process_does(process):
    worker = Worker(process.url)
    for version in available_versions():
        model = load_model(MODELS_DIRECTORY / version)
        (answer,) = model.answer([ROW])
        local = model_score(version, model.base_rate, answer, ROW, digest=model.digest)
        assert await worker.score(version) == local
    assert "is not loaded" in str(await worker.failure("scorecard-99"))
    await worker.client.close()


async def test_a_service_that_stands_still_is_left_alone_and_found_again(process):
    worker = Worker(process.url, timeout_s=0.3)
    assert await worker.score()
    process.send(signal.SIGSTOP)
    while not worker.client.is_open:
        assert isinstance(await worker.failure(), ModelAway)
    assert worker.calls("unanswered") == 5
    process.send(signal.SIGCONT)
    while worker.client.is_open or worker.gauge() != 0:  # the first answers may still be late
        worker.now += 100
        try:
            await worker.score()
        except ModelAway:
            await asyncio.sleep(0.1)
    assert worker.gauge() == 0
    await worker.client.close()
