"""The model service as a process: versions that come, go or are damaged, and its end."""

import asyncio
import json
import shutil
import signal

import httpx
import orjson
import pytest

from fundline.risk.artefact import MODELS_DIRECTORY, available_versions, load_model
from fundline.risk.features import FEATURE_NAMES
from support.model_service import (
    ROW,
    ModelServiceProcess,
    infer_body,
    until,
)

pytestmark = pytest.mark.integration


MODEL = "/v2/models/probability-of-default"


ROWS = [
    {**ROW, "amount": 1000.0 * n, "employees": float(n % 60), "subsector": sector, "state": state}
    for n, (sector, state) in enumerate(
        [("722", "CA"), ("238", "TX"), ("unknown", "unknown"), ("541", "NY")] * 25, start=1
    )
]


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
