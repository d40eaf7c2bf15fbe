"""The model service over real HTTP, and as a process with the packaged models. Needs no engines."""

import asyncio
import json
import shutil
import signal

import httpx
import orjson
import pytest

from fundline.risk.artefact import MODELS_DIRECTORY, available_versions, load_model
from fundline.risk.features import FEATURE_NAMES
from fundline.services.model_service.repository import ModelRepository
from support.model_service import (
    ROW,
    MadeUpModel,
    ModelServiceProcess,
    infer_body,
    model_service_over_http,
    ready_model,
)

pytestmark = pytest.mark.integration

MODEL = "/v2/models/probability-of-default"
MADE_UP = f"{MODEL}/versions/made-up-1"
ROWS = [
    {**ROW, "amount": 1000.0 * n, "employees": float(n % 60), "subsector": sector, "state": state}
    for n, (sector, state) in enumerate(
        [("722", "CA"), ("238", "TX"), ("unknown", "unknown"), ("541", "NY")] * 25, start=1
    )
]


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


@pytest.fixture
async def packaged(tmp_path):
    """The process over a copy of the packaged models; yields it, a client and the copy."""
    folder = tmp_path / "models"
    shutil.copytree(MODELS_DIRECTORY, folder)
    process = ModelServiceProcess(
        tmp_path / "log", model_directory=folder, model_poll_s=0.1, model_queue_limit=1, model_patience_s=60
    )  # patient, because a large batch takes its time on a machine that others use
    await process.start()
    async with httpx.AsyncClient(base_url=process.url, timeout=90) as client:
        yield process, client, folder
    process.kill()


async def until(condition):
    for _ in range(1200):
        if await condition():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it never came true")


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


async def test_every_packaged_model_answers_a_batch_as_it_answers_each_row_to_the_last_bit(packaged):
    _, client, _ = packaged
    versions = available_versions()
    assert (await client.get(MODEL)).json()["versions"] == sorted(versions)
    for version in versions:
        path = f"{MODEL}/versions/{version}/infer"
        batch = (await client.post(path, json=infer_body(ROWS))).json()
        singles = [(await client.post(path, json=infer_body([row]))).json() for row in ROWS]
        for output, name in enumerate(("probability", "base", "contributions")):
            together = batch["outputs"][output]
            assert together["name"] == name
            assert together["data"] == [v for one in singles for v in one["outputs"][output]["data"]]
        model = load_model(MODELS_DIRECTORY / version)
        assert batch["outputs"][0]["data"] == [answer.probability for answer in model.answer(ROWS)]
        assert batch["parameters"] == {"base_rate": model.base_rate, "digest": model.digest}


async def test_a_running_service_takes_new_versions_refuses_torn_ones_and_forgets_removed_ones(packaged):
    process, client, folder = packaged
    scorecard = f"{MODEL}/versions/scorecard-2"
    tree = f"{MODEL}/versions/lightgbm-1"
    before = (await client.post(f"{tree}/infer", json=infer_body())).json()
    file = folder / "lightgbm-1" / "model.txt"
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])

    async def refused():
        return any(line["message"] == "model.refused" for line in process.log())

    await until(refused)
    assert (await client.post(f"{tree}/infer", json=infer_body())).json() == before

    shutil.rmtree(folder / "scorecard-2")

    async def gone():
        return (await client.get(f"{scorecard}/ready")).status_code == 404

    await until(gone)
    shutil.copytree(MODELS_DIRECTORY / "scorecard-2", folder / "scorecard-2")

    async def back():
        return (await client.get(f"{scorecard}/ready")).status_code == 200

    await until(back)
    assert (await client.get("/v2/health/ready")).status_code == 200


def torn(folder):
    file = folder / "model.txt"
    file.write_bytes(file.read_bytes()[:-5000])


def of_another_schema(folder):
    manifest = json.loads((folder / "manifest.json").read_bytes())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"schema_version": 99}))


def edited(folder):
    text = (folder / "encodings.json").read_text()
    (folder / "encodings.json").write_text(text.replace("0.1", "0.2", 1))


def without_manifest(folder):
    (folder / "manifest.json").unlink()


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (torn, "model.txt"),
        (of_another_schema, "has schema version 99; this program reads"),
        (edited, "encodings.json"),
        (without_manifest, "manifest.json"),
    ],
)
async def test_a_damaged_version_is_refused_with_its_reason_and_the_good_one_goes_on(
    packaged, damage, reason
):
    process, client, folder = packaged
    damage(folder / "lightgbm-1")
    shutil.copytree(folder / "lightgbm-1", folder / "lightgbm-2")

    async def refused():
        told.update(
            {x["fundline.model_version"]: x for x in process.log() if x["message"] == "model.refused"}
        )
        return told.keys() == {"lightgbm-1", "lightgbm-2"}

    told: dict[str, dict] = {}
    await until(refused)
    assert reason in told["lightgbm-1"]["fundline.reason"]
    assert told["lightgbm-1"]["fundline.still_served"] is True
    kept = await client.post(f"{MODEL}/versions/lightgbm-1/infer", json=infer_body())
    never_good = await client.post(f"{MODEL}/versions/lightgbm-2/infer", json=infer_body())
    assert (kept.status_code, never_good.status_code) == (200, 404)
    assert never_good.json()["error"].startswith("This version was refused. ")


async def test_a_flood_of_batches_is_refused_in_part_and_the_rest_is_answered(packaged):
    _, client, _ = packaged
    body = orjson.dumps(infer_body((ROWS * 41)[:4096]))
    headers = {"content-type": "application/json"}

    async def one():
        return await client.post(f"{MODEL}/versions/lightgbm-1/infer", content=body, headers=headers)

    answers = await asyncio.gather(*[one() for _ in range(10)])
    statuses = [answer.status_code for answer in answers]
    assert set(statuses) == {200, 503}
    for answer in answers:
        if answer.status_code == 200:
            assert answer.json()["outputs"][2]["shape"] == [4096, len(FEATURE_NAMES)]


async def test_at_sigterm_it_finishes_what_it_accepted(packaged):
    process, client, _ = packaged
    path, body = f"{MODEL}/versions/lightgbm-1/infer", infer_body((ROWS * 41)[:4096])
    accepted = [asyncio.create_task(client.post(path, json=body)) for _ in range(2)]

    async def one_waits():
        lines = (await client.get("/metrics")).text.splitlines()
        return "fundline_model_queue_depth 1.0" in lines or any(task.done() for task in accepted)

    await until(one_waits)
    process.send(signal.SIGTERM)
    assert [answer.status_code for answer in await asyncio.gather(*accepted)] == [200, 200]
    assert await process.ended() == 0


async def test_a_folder_of_rubbish_does_not_stop_the_process(tmp_path):
    bad = tmp_path / "models" / "scorecard-2"
    bad.mkdir(parents=True)
    (bad / "manifest.json").write_text('{"schema": ')
    process = ModelServiceProcess(tmp_path / "log", model_directory=tmp_path / "models")
    await process.start()
    try:
        async with httpx.AsyncClient(base_url=process.url, timeout=10) as client:
            assert (await client.get("/v2/health/ready")).status_code == 503
            assert (await client.get("/health/ready")).status_code == 503
    finally:
        process.kill()
