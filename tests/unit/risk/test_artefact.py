"""The models in the repository: they load, they add up, and a folder that was touched is refused with a sentence."""

import json
import math
import shutil
from itertools import pairwise
from pathlib import Path

import lightgbm
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fundline.risk.artefact import MODELS_DIRECTORY, ModelRefused, available_versions, load_model
from fundline.risk.calibration import sigmoid
from fundline.risk.features import FEATURE_NAMES
from fundline.risk.manifest import MANIFEST, sha256
from fundline.risk.trees import columns_of
from support.features import feature_rows

VERSIONS = available_versions()
MODELS = {version: load_model(MODELS_DIRECTORY / version) for version in VERSIONS}
MEGABYTE = 1024 * 1024
ROUNDING = 1e-12
SAME_FOLDER = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60
)


@pytest.fixture(params=VERSIONS)
def folder(request, tmp_path) -> Path:
    """A copy of a model that may be damaged."""
    return Path(shutil.copytree(MODELS_DIRECTORY / request.param, tmp_path / request.param))


def files_of(folder: Path) -> list[Path]:
    return sorted(place for place in folder.iterdir() if place.is_file())


def signed(folder: Path, **changes: object) -> None:
    """Change the manifest and make its digest and checksums right again: a well-made wrong model."""
    content = json.loads((folder / MANIFEST).read_text()) | changes
    content["files"] = {name: sha256((folder / name).read_bytes()) for name in content["files"]}
    content.pop("digest")
    digest = sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode())
    (folder / MANIFEST).write_text(json.dumps(content | {"digest": digest}))


def test_champion_and_challenger_are_in_the_repository_and_small():
    assert VERSIONS == ["lightgbm-1", "scorecard-2"]
    for version in VERSIONS:
        assert sum(place.stat().st_size for place in files_of(MODELS_DIRECTORY / version)) < MEGABYTE


@pytest.mark.parametrize("version", VERSIONS)
def test_base_and_contributions_add_up_to_the_log_odds_of_the_probability(version):
    for answer in MODELS[version].answer(feature_rows(200)):
        log_odds = math.log(answer.probability / (1 - answer.probability))
        assert answer.base + sum(answer.contributions.values()) == pytest.approx(log_odds, abs=1e-9)
        assert tuple(answer.contributions) == FEATURE_NAMES


def test_the_trees_contributions_are_exact_they_sum_to_what_the_trees_themselves_predict():
    rows = feature_rows(300)
    folder = MODELS_DIRECTORY / "lightgbm-1"
    booster = lightgbm.Booster(model_file=folder / "model.txt")
    encodings = json.loads((folder / "encodings.json").read_text())
    raw = booster.predict(np.array([columns_of(row, encodings) for row in rows]), raw_score=True)
    explained = MODELS["lightgbm-1"].explainer.explain(rows)
    assert [base + sum(added.values()) for base, added in explained] == pytest.approx(list(raw), abs=1e-9)
    calibration = MODELS["lightgbm-1"].manifest.calibration
    expected = sigmoid(calibration.intercept + calibration.slope * raw)
    answers = MODELS["lightgbm-1"].answer(rows)
    assert [answer.probability for answer in answers] == pytest.approx(list(expected), abs=1e-9)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_row_gets_the_same_answer_alone_and_in_a_batch(version):
    rows = feature_rows(50)
    assert MODELS[version].probabilities([]) == []
    together = MODELS[version].answer(rows)
    assert [MODELS[version].answer([row])[0] for row in rows] == together
    assert MODELS[version].answer([]) == []


@pytest.mark.parametrize("version", VERSIONS)
def test_probabilities_without_reasons_are_those_with_reasons(version):
    rows = feature_rows(200)
    assert MODELS[version].probabilities(rows) == pytest.approx(
        [answer.probability for answer in MODELS[version].answer(rows)], abs=ROUNDING
    )


@pytest.mark.parametrize("version", VERSIONS)
def test_more_employees_never_raise_the_risk(version):
    for row in feature_rows(20):
        crowd = [row | {"employees": float(n)} for n in (0, 1, 2, 3, 5, 8, 15, 30, 500)]
        chances = [answer.probability for answer in MODELS[version].answer(crowd)]
        assert all(more <= fewer + ROUNDING for fewer, more in pairwise(chances))


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("feature", "safer", "riskier"), [("business_age", "existing", "new"), ("franchise", 0.0, 1.0)]
)
def test_a_new_business_and_a_franchise_are_never_safer_for_being_one(version, feature, safer, riskier):
    rows = feature_rows(30)
    low = MODELS[version].answer([row | {feature: safer} for row in rows])
    high = MODELS[version].answer([row | {feature: riskier} for row in rows])
    assert all(a.probability <= b.probability + ROUNDING for a, b in zip(low, high, strict=True))


@pytest.mark.parametrize("version", VERSIONS)
def test_a_sector_and_a_state_that_nobody_trained_on_count_for_nothing(version):
    (row,) = feature_rows(1)
    (answer,) = MODELS[version].answer([row | {"subsector": "99", "state": "ZZ"}])
    if version == "scorecard-2":
        assert (answer.contributions["subsector"], answer.contributions["state"]) == (0.0, 0.0)
    assert 0 < answer.probability < 1


@SAME_FOLDER
@given(place=st.floats(0, 1, exclude_max=True), which=st.integers(0, 2), bit=st.integers(0, 7))
def test_a_flipped_bit_is_refused_or_changes_nothing(folder, place, which, bit):
    """Nothing: a space of the manifest that became another space."""
    file = files_of(folder)[which % len(files_of(folder))]
    whole = file.read_bytes()
    broken = bytearray(whole)
    broken[int(place * len(whole))] ^= 1 << bit
    file.write_bytes(broken)
    try:
        assert load_model(folder).manifest == MODELS[folder.name].manifest
        assert file.name == MANIFEST
    except ModelRefused as refused:
        assert folder.name in str(refused)
    finally:
        file.write_bytes(whole)


@SAME_FOLDER
@given(kept=st.floats(0, 1, exclude_max=True), which=st.integers(0, 2))
def test_a_truncated_file_is_refused(folder, kept, which):
    file = files_of(folder)[which % len(files_of(folder))]
    whole = file.read_bytes()
    file.write_bytes(whole[: int(kept * (len(whole) - 1))])
    try:
        with pytest.raises(ModelRefused, match=folder.name):
            load_model(folder)
    finally:
        file.write_bytes(whole)


def test_a_missing_file_is_refused_by_its_name(folder):
    for file in files_of(folder):
        whole = file.read_bytes()
        file.unlink()
        with pytest.raises(ModelRefused, match=f"{file.name} is missing"):
            load_model(folder)
        file.write_bytes(whole)


@pytest.mark.parametrize("schema", [0, 2, "1", None])
def test_another_schema_version_is_refused_even_when_its_checksums_fit(folder, schema):
    signed(folder, schema_version=schema)
    with pytest.raises(ModelRefused, match=f"schema version {schema}; this program reads 1"):
        load_model(folder)


def test_an_unchanged_manifest_that_is_signed_again_loads(folder):
    """Otherwise the tests beside this one would prove nothing."""
    signed(folder)
    assert load_model(folder).manifest == MODELS[folder.name].manifest


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"kind": "neural"}, "kind “neural”"),
        ({"name": "churn"}, "not of “probability-of-default”"),
        ({"features": []}, "other features"),
        ({"version": "scorecard-9"}, "holds the version scorecard-9"),
        ({"base_rate": 1.5}, "base_rate is wrong"),
        ({"calibration": {"slope": -1.0, "intercept": 0.0, "how": ""}}, "calibration.slope is wrong"),
        ({"training_scores": {"edges": [0.2], "shares": [1.0]}}, "do not fit each other"),
        ({"training_scores": {"edges": [0.4, 0.2], "shares": [0.3, 0.3, 0.4]}}, "do not fit each other"),
    ],
)
def test_a_manifest_that_makes_no_sense_is_refused_even_when_its_checksums_fit(folder, changes, said):
    signed(folder, **changes)
    with pytest.raises(ModelRefused, match=said):
        load_model(folder)


def test_a_manifest_that_is_not_json_or_not_finite_is_refused(folder):
    whole = (folder / MANIFEST).read_text()
    endless = whole.replace('"seed": 20041201', '"seed": NaN')
    assert endless != whole
    for broken, said in (
        ("", "is not JSON"),
        ("[]", "is not an object"),
        ("{", "is not JSON"),
        ("null", "is not an object"),
        ("\x00", "is not JSON"),
        (endless, "NaN, which is not a finite number"),
    ):
        (folder / MANIFEST).write_text(broken)
        with pytest.raises(ModelRefused, match=said):
            load_model(folder)


@pytest.mark.parametrize(
    ("version", "name", "old", "new", "said"),
    [
        ("scorecard-2", "model.json", '"intercept": ', '"intercept": 1e999, "was": ', "not a finite number"),
        ("scorecard-2", "model.json", '"intercept": ', '"intercept": "high", "was": ', "not a scorecard"),
        ("scorecard-2", "model.json", '"employees": ', '"staff": ', "other features"),
        ("lightgbm-1", "encodings.json", '"state": {', '"province": {', "encodings are of"),
        ("lightgbm-1", "model.txt", "end of trees", "", "truncated"),
        ("lightgbm-1", "model.txt", "leaf_value=", "leaf_value=nan ", "not finite"),
        ("lightgbm-1", "model.txt", "feature_names=amount", "feature_names=sum", "other features"),
        ("lightgbm-1", "model.txt", "\nTree=1\n", "\nTrunk=1\n", "truncated"),
    ],
)
def test_a_model_that_was_written_wrong_is_refused_even_when_its_checksums_fit(
    tmp_path, version, name, old, new, said
):
    folder = Path(shutil.copytree(MODELS_DIRECTORY / version, tmp_path / version))
    text = (folder / name).read_text()
    assert old in text
    (folder / name).write_text(text.replace(old, new))
    signed(folder)
    with pytest.raises(ModelRefused, match=said):
        load_model(folder)


def test_a_file_too_large_for_a_model_is_refused_unread(folder):
    with (folder / MANIFEST).open("ab") as file:
        file.truncate(17 * MEGABYTE)
    with pytest.raises(ModelRefused, match="larger than a model can be"):
        load_model(folder)


def test_a_folder_without_models_has_none(tmp_path):
    assert available_versions(tmp_path) == []
    assert available_versions(tmp_path / "nothing") == []
