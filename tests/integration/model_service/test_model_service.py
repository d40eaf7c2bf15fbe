"""The model service over real HTTP, and as a process with the packaged models. Needs no engines."""

import asyncio

import httpx
import pytest

from fundline.services.model_service.repository import ModelRepository
from support.model_service import (
    ROW,
    MadeUpModel,
    infer_body,
    model_service_over_http,
    ready_model,
    until,
)

pytestmark = pytest.mark.integration

MODEL = "/v2/models/probability-of-default"
MADE_UP = f"{MODEL}/versions/made-up-1"


async def repository(tmp_path, metrics, *models):
    by_version = {model.version: model for model in models}
    for version in by_version:
        (tmp_path / version).mkdir()
    found = ModelRepository(tmp_path, metrics, load=lambda folder: by_version[folder.name])
    await found.refresh()
    return found


@pytest.fixture
async def slow(tmp_path, metrics):
    """A model that answers when it is told to, behind a queue for two."""
    model = MadeUpModel()
    models = await repository(tmp_path, metrics, model)
    async with (
        model_service_over_http(models, metrics, longest=2) as url,
        httpx.AsyncClient(base_url=url, timeout=30) as client,
    ):
        yield model, client
        model.may_answer.set()


@pytest.fixture
async def service(tmp_path, metrics):
    models = await repository(tmp_path, metrics, ready_model(), ready_model("made-up-2"))
    async with (
        model_service_over_http(models, metrics) as url,
        httpx.AsyncClient(base_url=url, timeout=30) as client,
    ):
        yield client


def requests(metrics, result, version="made-up-1"):
    labels = {"version": version, "result": result}
    return metrics.registry.get_sample_value("fundline_model_requests_total", labels) or 0


def depth(metrics):
    return metrics.registry.get_sample_value("fundline_model_queue_depth")


async def begun(model, metrics, *, waiting):
    async def condition():
        return model.began == 1 and depth(metrics) == waiting

    await until(condition)


async def test_it_tells_about_itself_and_its_model(service):
    assert (await service.get("/v2")).json() == {
        "name": "fundline-model-service",
        "version": "0.1.0",
        "extensions": [],
    }
    assert (await service.get("/v2/health/live")).json() == {"live": True}
    assert (await service.get("/v2/health/ready")).json() == {"live": True, "ready": True}
    assert (await service.get(MODEL)).json()["versions"] == ["made-up-1", "made-up-2"]
    assert (await service.get(MADE_UP)).json()["parameters"]["version"] == "made-up-1"
    assert (await service.get(f"{MADE_UP}/ready")).json() == {
        "name": "probability-of-default",
        "version": "made-up-1",
        "ready": True,
    }


async def test_a_path_with_a_version_and_one_without_answer(service):
    named = await service.post(f"{MADE_UP}/infer", json=infer_body())
    unnamed = await service.post(f"{MODEL}/infer", json=infer_body())
    assert (named.status_code, named.json()["model_version"]) == (200, "made-up-1")
    assert (unnamed.status_code, unnamed.json()["model_version"]) == (200, "made-up-2")


@pytest.mark.parametrize(
    ("path", "body", "status", "sentence"),
    [
        ("/v2/models/cake/infer", infer_body(), 404, "The only model here is probability-of-default."),
        (f"{MODEL}/versions/made-up-9/infer", infer_body(), 404, "there are made-up-1, made-up-2."),
        (f"{MADE_UP}/infer", infer_body(employees=None), 400, "employees: the feature is missing."),
        (f"{MADE_UP}/infer", infer_body([ROW] * 4097), 413, "A batch has at most 4096 rows"),
        (f"{MADE_UP}/infer", {"inputs": ["x" * 3_000_000]}, 413, "A body may have"),
    ],
)
async def test_a_refusal_is_a_problem_document_with_the_error_of_the_protocol(
    service, path, body, status, sentence
):
    answer = await service.post(path, json=body)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert sentence in answer.json()["error"]
    assert answer.json()["detail"] == answer.json()["error"]


async def test_the_largest_batch_is_answered(service):
    answer = await service.post(f"{MADE_UP}/infer", json=infer_body([ROW] * 4096))
    assert answer.json()["outputs"][0]["shape"] == [4096]


async def test_a_model_that_answers_nonsense_is_an_error_of_the_server(tmp_path, metrics):
    models = await repository(tmp_path, metrics, ready_model(probability=7.0))
    async with model_service_over_http(models, metrics) as url, httpx.AsyncClient(base_url=url) as client:
        answer = await client.post(f"{MADE_UP}/infer", json=infer_body())
    assert answer.status_code == 500
    assert "7.0, which is not a probability" in answer.json()["error"]
    assert requests(metrics, "failed") == 1


async def test_without_any_model_it_is_alive_and_not_ready(tmp_path, metrics):
    models = await repository(tmp_path, metrics)
    async with model_service_over_http(models, metrics) as url, httpx.AsyncClient(base_url=url) as client:
        assert (await client.get("/v2/health/live")).status_code == 200
        assert (await client.get("/v2/health/ready")).status_code == 503
        answer = await client.post(f"{MODEL}/infer", json=infer_body())
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


async def test_a_full_queue_answers_503_at_once_while_the_loop_answers_on(slow, metrics):
    model, client = slow
    accepted = [asyncio.create_task(client.post(f"{MADE_UP}/infer", json=infer_body())) for _ in range(3)]
    await begun(model, metrics, waiting=2)
    refused = await client.post(f"{MADE_UP}/infer", json=infer_body())
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert "the queue is full" in refused.json()["error"]
    assert (await client.get("/v2/health/ready")).status_code == 200
    model.may_answer.set()
    assert [answer.status_code for answer in await asyncio.gather(*accepted)] == [200, 200, 200]
    assert (requests(metrics, "ok"), requests(metrics, "queue_full")) == (3, 1)


async def test_what_nobody_waits_for_is_not_computed(slow, metrics):
    model, client = slow
    first, second = (
        asyncio.create_task(client.post(f"{MADE_UP}/infer", json=infer_body())) for _ in range(2)
    )
    await begun(model, metrics, waiting=1)
    second.cancel()

    async def noticed():
        return requests(metrics, "gone") == 1

    await until(noticed)
    model.may_answer.set()
    assert (await first).status_code == 200
    assert (await client.post(f"{MADE_UP}/infer", json=infer_body())).status_code == 200
    assert model.began == 2


async def test_what_comes_too_late_for_its_caller_is_not_computed(slow, metrics):
    model, client = slow
    first = asyncio.create_task(client.post(f"{MADE_UP}/infer", json=infer_body()))
    await begun(model, metrics, waiting=0)
    late = await client.post(f"{MADE_UP}/infer", json=infer_body(), headers={"x-timeout-ms": "100"})
    assert (late.status_code, late.headers["retry-after"]) == (503, "1")
    model.may_answer.set()
    assert (await first).status_code == 200
    assert model.began == 1
    assert requests(metrics, "expired") == 1
