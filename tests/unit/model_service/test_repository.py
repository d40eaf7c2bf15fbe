import shutil

import pytest
from prometheus_client import CollectorRegistry

from fundline.platform.telemetry.metrics import Metrics
from fundline.risk.artefact import ModelRefused
from fundline.services.model_service.repository import ModelRepository
from support.model_service import ModelFolder

NO_LIBGOMP = OSError("libgomp.so.1: cannot open shared object file: No such file or directory")


@pytest.fixture
def folder(tmp_path):
    return ModelFolder(
        tmp_path / "models", {"torn": ModelRefused("The checksum is wrong."), "gomp": NO_LIBGOMP}
    )


@pytest.fixture
def metrics():
    return Metrics(CollectorRegistry())


@pytest.fixture
def models(folder, metrics):
    return ModelRepository(folder.path, metrics, load=folder.load)


def digest(models, version):
    found = models.find(version)
    return None if found is None else found.digest


def loads(metrics, version, result):
    return metrics.registry.get_sample_value(
        "fundline_model_loads_total", {"version": version, "result": result}
    )


async def test_several_versions_are_served_side_by_side(models, folder):
    folder.put("a-1", "good one")
    folder.put("b-1", "good two")
    await models.refresh()
    assert models.versions == ["a-1", "b-1"]
    assert (digest(models, "a-1"), digest(models, "b-1"), digest(models, "c-1")) == ("one", "two", None)


async def test_without_a_version_the_last_name_answers_and_numbers_count_as_numbers(models, folder):
    for version in ("tree-2", "tree-10", "score-99"):
        folder.put(version, f"good {version}")
    await models.refresh()
    assert models.versions == ["score-99", "tree-2", "tree-10"]
    assert digest(models, None) == "tree-10"


async def test_nothing_is_ready_before_a_version_is_loaded(models, folder):
    await models.refresh()
    assert not await models.is_ready()
    assert models.find(None) is None
    folder.put("a-1", "good one")
    await models.refresh()
    assert await models.is_ready()


async def test_a_new_and_a_changed_version_appear_and_a_removed_one_goes(models, folder, metrics):
    folder.put("a-1", "good one")
    await models.refresh()
    folder.put("a-1", "good changed")
    folder.put("b-1", "good two")
    await models.refresh()
    assert (digest(models, "a-1"), digest(models, "b-1")) == ("changed", "two")
    shutil.rmtree(folder.path / "a-1")
    await models.refresh()
    assert models.versions == ["b-1"]
    assert loads(metrics, "a-1", "removed") == 1


async def test_a_corrupted_version_is_refused_once_and_the_old_one_stays(models, folder, metrics):
    folder.put("a-1", "good one")
    await models.refresh()
    folder.put("a-1", "torn")
    for _ in range(3):
        await models.refresh()
    assert digest(models, "a-1") == "one"
    assert loads(metrics, "a-1", "refused") == 1
    folder.put("a-1", "good mended")
    await models.refresh()
    assert digest(models, "a-1") == "mended"


async def test_a_version_that_cannot_load_leaves_the_others_in_peace(models, folder, metrics):
    folder.put("a-1", "gomp")
    folder.put("b-1", "neither good nor known")
    folder.put("c-1", "good three")
    await models.refresh()
    assert models.versions == ["c-1"]
    assert loads(metrics, "a-1", "refused") == 1
    assert loads(metrics, "b-1", "refused") == 1


async def test_a_missing_openmp_library_is_told_with_the_package_to_install(models, folder):
    folder.put("a-1", "gomp")
    await models.refresh()
    assert "libgomp1" in models.why_refused("a-1")
    assert models.why_refused("b-1") is None


async def test_when_the_folder_cannot_be_read_what_is_loaded_stays(models, folder):
    folder.put("a-1", "good one")
    await models.refresh()
    folder.path.rename(folder.path.with_name("elsewhere"))
    await models.refresh()
    assert models.versions == ["a-1"]
