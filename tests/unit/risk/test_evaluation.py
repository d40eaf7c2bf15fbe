"""`fundline model evaluate`, asked as a lender asks it: on a file, without anything running."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from fundline.commands.model.command import app
from fundline.platform.command_errors import CommandFailed
from fundline.risk.artefact import MODELS_DIRECTORY, available_versions, load_model
from fundline.risk.evaluation import BATCH_ROWS
from support.loans import COLUMNS, as_csv, packaged_rows, written

TEST_WINDOW = packaged_rows("2004-12-01")
NEVER_SEEN = packaged_rows("2001-01-01", "2004-06-01")
"""Another vintage than the models were trained or judged on."""
VERSIONS = available_versions()


def evaluate(data: Path, *options: str) -> list[dict]:
    """One object per model, in order. Raises what the command raises."""
    result = CliRunner().invoke(
        app,
        ["evaluate", "--data", str(data), "--json", *options],
        catch_exceptions=False,
        standalone_mode=False,
    )
    return [json.loads(line) for line in result.stdout.splitlines()]


def told(data: Path, *options: str):
    return CliRunner().invoke(app, ["evaluate", "--data", str(data), *options], catch_exceptions=False)


@pytest.fixture
def vintage(tmp_path) -> Path:
    return written(tmp_path / "vintage.csv", NEVER_SEEN)


def test_there_is_one_object_per_model_or_the_one_that_was_named(vintage):
    assert [one["model"] for one in evaluate(vintage)] == VERSIONS
    assert [one["model"] for one in evaluate(vintage, "--model", "scorecard-2")] == ["scorecard-2"]


@pytest.mark.parametrize("version", VERSIONS)
def test_on_a_vintage_never_seen_every_figure_is_the_one_worked_out_from_the_scores(
    vintage, tmp_path, version
):
    scores = tmp_path / "scores.csv"
    (found,) = evaluate(vintage, "--model", version, "--scores", str(scores))
    with scores.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["outcome_default"]) for row in rows] == [int(r["outcome_default"]) for r in NEVER_SEEN]
    assert [int(row["line"]) for row in rows] == list(range(2, len(rows) + 2))
    p = np.array([float(row["probability"]) for row in rows])
    y = np.array([float(row["outcome_default"]) for row in rows])
    bad, good = p[y == 1], p[y == 0]
    order = (bad[:, None] > good).astype(float) + 0.5 * (bad[:, None] == good)
    error = np.sqrt(order.mean(1).var(ddof=1) / len(bad) + order.mean(0).var(ddof=1) / len(good))
    slope, intercept = logistic(np.log(p / (1 - p)), y)
    expected = {
        "rows": len(NEVER_SEEN),
        "bad_rate": y.mean(),
        "mean_probability": p.mean(),
        "auc": order.mean(),
        "auc_low": order.mean() - 1.959964 * error,
        "auc_high": order.mean() + 1.959964 * error,
        "ks": max(abs((bad <= cut).mean() - (good <= cut).mean()) for cut in np.unique(p)),
        "brier": ((p - y) ** 2).mean(),
        "brier_base_rate": ((y.mean() - y) ** 2).mean(),
        "calibration_slope": slope,
        "calibration_intercept": intercept,
        "psi": psi(version, p),
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=2e-6)


def logistic(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """By iteratively reweighted least squares, as a statistics package does it."""
    design = np.column_stack([x, np.ones_like(x)])
    beta = np.zeros(2)
    for _ in range(30):
        mean = 1 / (1 + np.exp(-design @ beta))
        weight = mean * (1 - mean)
        target = design @ beta + (y - mean) / weight
        root = np.sqrt(weight)
        beta = np.linalg.lstsq(design * root[:, None], target * root, rcond=None)[0]
    return float(beta[0]), float(beta[1])


def psi(version: str, p: np.ndarray) -> float:
    scores = load_model(MODELS_DIRECTORY / version).manifest.training_scores
    total, below = 0.0, 0.0
    for edge, share in zip([*scores.edges, 1.0], scores.shares, strict=True):
        upto = float((p <= edge).mean())
        now, below = max(upto - below, 1e-4), upto
        total += (now - share) * np.log(now / share)
    return total


@pytest.mark.parametrize("version", VERSIONS)
def test_the_out_of_time_figures_are_those_of_manifest_and_card_and_reach_what_was_wanted(tmp_path, version):
    (found,) = evaluate(written(tmp_path / "a.csv", TEST_WINDOW), "--model", version)
    manifest = load_model(MODELS_DIRECTORY / version).manifest
    assert {name: found[name] for name in manifest.out_of_time} == manifest.out_of_time
    assert found["auc"] >= 0.61
    assert 0.9 <= found["calibration_slope"] <= 1.1
    assert found["brier"] < found["brier_base_rate"]
    card = (Path(__file__).parents[3] / "docs" / "models" / f"{version}.md").read_text()
    (line,) = [line for line in card.splitlines() if line.startswith("| **out of time")]
    for figure in (
        f"| {found['rows']:,} |",
        f"| {found['auc']:.3f} ({found['auc_low']:.3f} to {found['auc_high']:.3f}) |",
        f"| {found['ks']:.3f} |",
        f"| {found['brier']:.4f} ({found['brier_base_rate']:.4f}) |",
        f"| {found['calibration_slope']:.2f} | {found['calibration_intercept']:.2f} |",
    ):
        assert figure in line


def test_outcomes_turned_round_turn_the_ranking_round(vintage, tmp_path):
    turned = [row | {"outcome_default": str(1 - int(row["outcome_default"]))} for row in NEVER_SEEN]
    for before, after in zip(evaluate(vintage), evaluate(written(tmp_path / "b.csv", turned)), strict=True):
        assert after["auc"] == pytest.approx(1 - before["auc"], abs=2e-6)
        assert after["calibration_slope"] == pytest.approx(-before["calibration_slope"], abs=2e-6)
        assert (after["ks"], after["psi"]) == (before["ks"], before["psi"])


def test_the_order_of_rows_and_columns_and_further_columns_change_nothing(vintage, tmp_path):
    shuffled = [row | {"term": "84"} for row in reversed(NEVER_SEEN)]
    other = written(tmp_path / "b.csv", as_csv(shuffled, ["term", *reversed(COLUMNS)]))
    for before, after in zip(evaluate(vintage), evaluate(other), strict=True):
        figures = [name for name, value in before.items() if isinstance(value, float)]
        assert len(figures) == 12
        assert [after[name] for name in figures] == pytest.approx(
            [before[name] for name in figures], abs=2e-6
        )


def test_a_file_longer_than_a_batch_is_measured_whole_and_every_row_twice_is_the_same_but_surer(
    vintage, tmp_path
):
    times = 2 * BATCH_ROWS // len(NEVER_SEEN) + 2
    (once,), (often,) = (
        evaluate(one, "--model", "scorecard-2")
        for one in (vintage, written(tmp_path / "b.csv", NEVER_SEEN * times))
    )
    assert often["rows"] == times * once["rows"] > 2 * BATCH_ROWS
    same = ("bad_rate", "auc", "ks", "brier", "calibration_slope", "psi")
    assert [often[name] for name in same] == pytest.approx([once[name] for name in same], abs=2e-6)
    assert often["auc_high"] - often["auc_low"] < once["auc_high"] - once["auc_low"]


def test_rows_that_were_left_out_are_counted_by_column_with_the_first_line_and_the_reason(tmp_path):
    rows = [dict(row) for row in NEVER_SEEN]
    rows[3]["employees"], rows[7]["employees"], rows[5]["outcome_default"] = "nan", "-3", ""
    data = written(tmp_path / "a.csv", rows)
    found = evaluate(data)
    for one in found:
        assert (one["rows"], one["skipped_rows"]) == (len(rows) - 3, 3)
        assert one["skipped"] == [
            {
                "column": "employees",
                "rows": 2,
                "first_line": 5,
                "why": "employees: nan is not a finite number",
            },
            {"column": "outcome_default", "rows": 1, "first_line": 7, "why": "the outcome is not known"},
        ]
    assert "Left out for employees: 2 rows, the first in line 5" in told(data).stderr
    kept = [row for place, row in enumerate(rows) if place not in {3, 5, 7}]
    same = ("auc", "brier", "psi")
    for one, other in zip(found, evaluate(written(tmp_path / "b.csv", kept)), strict=True):
        assert [one[name] for name in same] == [other[name] for name in same]


@pytest.mark.parametrize("rows", [NEVER_SEEN[:1], [r for r in NEVER_SEEN if r["outcome_default"] == "0"]])
def test_one_row_or_one_outcome_has_a_brier_and_a_psi_but_no_ranking_and_says_why(tmp_path, rows):
    for one in evaluate(written(tmp_path / "a.csv", rows)):
        assert (one["rows"], one["auc"], one["ks"], one["calibration_slope"]) == (len(rows), None, None, None)
        assert one["reasons"]["auc"] == "All rows have the same outcome."
        assert min(one["brier"], one["psi"]) > 0


def test_when_every_row_is_left_out_there_are_no_figures_and_no_crash(tmp_path):
    rows = [row | {"amount_approved": "nan"} for row in NEVER_SEEN[:5]]
    for one in evaluate(written(tmp_path / "a.csv", rows)):
        assert (one["rows"], one["skipped_rows"], one["auc"], one["psi"]) == (0, 5, None, None)


def test_for_people_there_is_a_line_a_model_with_reasons_below_it(tmp_path):
    result = told(written(tmp_path / "a.csv", NEVER_SEEN[:1]), "--model", "scorecard-2")
    assert result.exit_code == 0
    assert result.stdout.startswith("scorecard-2  rows 1  bad rate ")
    assert "auc: All rows have the same outcome." in result.stdout


@pytest.mark.parametrize("version", ["scorecard-9", "../scorecard-2", "/etc"])
def test_an_unknown_version_is_refused_and_the_known_ones_are_named(vintage, version):
    with pytest.raises(CommandFailed, match=r"There is no model .*; there are lightgbm-1, scorecard-2\."):
        evaluate(vintage, "--model", version)


def test_what_is_no_table_of_loans_is_refused_in_a_sentence(tmp_path):
    with pytest.raises(CommandFailed, match="There is no file"):
        evaluate(tmp_path / "nothing.csv")
    with pytest.raises(CommandFailed, match="is empty"):
        evaluate(written(tmp_path / "a.csv", ""))


def test_scores_are_never_written_over_a_file_that_is_there(vintage):
    before = vintage.read_bytes()
    with pytest.raises(CommandFailed, match="cannot be made"):
        evaluate(vintage, "--scores", str(vintage))
    assert vintage.read_bytes() == before
