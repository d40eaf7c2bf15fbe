"""Training on an eighth of the loans: the same bytes each time, blind to the test window and to what leaks."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from fundline.risk.dataset import UnreadableLoans, read_loans
from fundline.risk.inner_checks import inner_checks
from fundline.risk.manifest import MANIFEST
from fundline.risk.recipe import FAMILIES, SCORECARD, TREES, Family, windows_of
from fundline.risk.training import TooGoodToBeTrue, main, train
from support.loans import COLUMNS, as_csv, packaged_rows, written

ROWS = packaged_rows("2004-06-01")[::8]
VERSIONS = {family.version: family for family in FAMILIES}
families = pytest.mark.parametrize("family", FAMILIES, ids=list(VERSIONS))


def trained(family: Family, rows, tmp_path, columns=COLUMNS):
    data = written(tmp_path / "loans.csv", as_csv(rows, columns))
    return train(family, windows_of(list(read_loans(data))), "the same file")


@cache
def _usual(version: str, folder) -> dict[str, bytes]:
    return dict(trained(VERSIONS[version], ROWS, folder).files)


@pytest.fixture(scope="module")
def usual(tmp_path_factory):
    folder = tmp_path_factory.mktemp("usual")
    return lambda family: _usual(family.version, folder)


@families
def test_training_again_writes_the_same_bytes(usual, tmp_path, family):
    assert trained(family, ROWS, tmp_path).files == usual(family)


@families
def test_another_seed_trains_other_trees_and_the_same_scorecard(tmp_path, family):
    """Otherwise the seed that the manifest names would mean nothing."""
    training = windows_of(list(read_loans(written(tmp_path / "loans.csv", ROWS))))["training"]
    one, other = (family.fit(training.rows, training.defaulted, seed).files for seed in (1, 2))
    assert (one == other) == (family is SCORECARD)


@families
def test_no_column_but_the_features_and_the_label_reaches_the_model(usual, tmp_path, family):
    """The others say outright what became of the loan here, and the term does."""
    known = {
        "state",
        "naics",
        "legal_form",
        "new_business",
        "employees",
        "franchise",
        "revolver",
        "amount_approved",
    }
    others = set(COLUMNS) - known - {"outcome_default", "approval_date"}
    leaking = [
        row | dict.fromkeys(others, row["outcome_default"]) | {"term": row["outcome_default"]} for row in ROWS
    ]
    assert trained(family, leaking, tmp_path, [*COLUMNS, "term"]).files == usual(family)


@families
def test_what_happened_from_december_on_changes_the_figures_and_nothing_of_the_model(usual, tmp_path, family):
    dice = np.random.default_rng(5)
    changed = [
        row | {"outcome_default": str(dice.integers(0, 2)), "amount_approved": "77000"}
        if row["approval_date"] >= "2004-12-01"
        else row
        for row in ROWS
    ]
    before, after = usual(family), trained(family, changed, tmp_path)
    assert {name: text for name, text in after.files.items() if name != MANIFEST} == {
        name: text for name, text in before.items() if name != MANIFEST
    }
    original = trained(family, ROWS, tmp_path).model.manifest
    manifest = after.model.manifest
    assert manifest.out_of_time != original.out_of_time
    windows = {**manifest.windows, "test": original.windows["test"]}
    same = replace(manifest, out_of_time=original.out_of_time, windows=windows, digest=original.digest)
    assert same == original


def overwritten(share: int):
    """Every `share`th loan that failed shows another amount, as the term of the records did."""
    return [
        row | ({"amount_approved": "1234567"} if row["outcome_default"] == "1" and place % share == 0 else {})
        for place, row in enumerate(ROWS)
    ]


def test_a_column_that_was_overwritten_after_the_outcome_is_found_by_how_well_it_ranks(tmp_path):
    with pytest.raises(TooGoodToBeTrue, match="look for a leak"):
        trained(SCORECARD, overwritten(2), tmp_path)


def test_a_column_that_tells_the_outcome_for_certain_is_refused_without_a_crash(tmp_path, capsys):
    """No calibration can be fitted then, which once ended in a traceback."""
    certain = [row | {"amount_approved": ("9000", "400000")[int(row["outcome_default"])]} for row in ROWS]
    data = written(tmp_path / "loans.csv", certain)
    assert main(["--data", str(data), "--artefacts", str(tmp_path / "models"), "--check"]) == 1
    assert "separate the classes completely" in capsys.readouterr().err


def test_a_window_without_both_outcomes_is_refused_by_its_dates(tmp_path):
    rows = [row for row in ROWS if row["approval_date"] < "2004-12-01" or row["outcome_default"] == "0"]
    with pytest.raises(UnreadableLoans, match="from 2004-12-01"):
        trained(SCORECARD, rows, tmp_path)


def test_the_checks_inside_the_training_months_judge_only_later_months_of_the_training(tmp_path):
    training = windows_of(list(read_loans(written(tmp_path / "loans.csv", ROWS))))["training"]
    checks = list(inner_checks(SCORECARD, training))
    assert len(checks) == 6
    assert all(check.fitted_until <= f"{check.month}-01" < "2004-12-01" for check in checks)
    assert [(check.fitted_until, check.month) for check in checks if check.is_used] == [
        ("2004-09-01", "2004-11")
    ]


def test_a_trees_text_holds_no_digits_that_depend_on_the_processor(usual):
    text = usual(TREES)["model.txt"].decode()
    assert "parameters:" not in text
    values = [line for line in text.splitlines() if line.startswith(("leaf_value=", "split_gain="))]
    assert values
    assert all(
        len(number.partition(".")[2]) == 6 for line in values for number in line.partition("=")[2].split()
    )


def test_the_command_says_in_a_sentence_what_is_wrong_and_writes_nothing(tmp_path, capsys):
    places = ["--artefacts", str(tmp_path / "models"), "--cards", str(tmp_path / "cards")]
    assert main(["--data", str(tmp_path / "nothing.csv"), *places]) == 1
    assert "There is no file" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
