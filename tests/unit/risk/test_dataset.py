"""Reading labelled loans: what is taken, what is left out, what is refused, and that nothing leaks."""

import gzip
import os
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from fundline.risk.dataset import (
    FEATURE_COLUMNS,
    PACKAGED_LOANS,
    LeakingFeature,
    UnreadableLoans,
    read_loans,
    refuse_leaks,
)
from fundline.risk.features import FEATURES
from support.loans import COLUMNS, as_csv, packaged_rows, written

ROWS = packaged_rows("2004-12-01")[:20]
PLAIN = as_csv(ROWS)


def read(path: Path):
    return list(read_loans(path))


@pytest.fixture
def plain(tmp_path):
    return read(written(tmp_path / "plain.csv", PLAIN))


@pytest.mark.parametrize(
    "column",
    [
        *(name for name in COLUMNS if name.startswith("outcome_")),
        "term", "Term", "term_months", "maturity_date", "DisbursementGross", "disbursement_date", "ChgOffPrinGr",
        "BalanceGross", "MIS_Status", "current_bank", "approval_date", "approval_fy", "row", "lowdoc", "urban_rural",
        "sba_guaranteed", "a_column_nobody_has_heard_of",
    ],
)  # fmt: skip
def test_a_feature_on_a_column_that_is_not_known_on_applying_is_refused(column):
    leaking = replace(FEATURES[0], name="leak", column=column)
    with pytest.raises(LeakingFeature, match=column):
        refuse_leaks([*FEATURES, leaking])


def test_the_features_rest_on_these_columns_and_on_no_others():
    refuse_leaks()
    assert sorted(FEATURE_COLUMNS) == [
        "amount_approved", "employees", "franchise", "legal_form", "naics", "new_business", "revolver", "state",
    ]  # fmt: skip


def test_what_the_other_columns_say_changes_nothing(tmp_path, plain):
    used = {*FEATURE_COLUMNS, "outcome_default", "approval_date"}
    others = {name: "1" for name in COLUMNS if name not in used}
    rows = [row | others | {"term": row["outcome_default"]} for row in ROWS]
    assert read(written(tmp_path / "other.csv", as_csv(rows, [*COLUMNS, "term"]))) == plain


def test_the_packaged_loans_are_all_usable():
    loans = read(PACKAGED_LOANS)
    assert (len(loans), sum(loan.defaulted for loan in loans)) == (20_303, 3932)
    assert all(loan.features is not None for loan in loans)


@pytest.mark.parametrize(
    ("form", "content"),
    {
        "columns in another order": as_csv(ROWS, reversed(COLUMNS)),
        "a byte order mark": "\ufeff" + PLAIN,
        "carriage returns": as_csv(ROWS, end="\r\n"),
        "every value quoted": "".join(
            ",".join(f'"{value}"' for value in line.split(",")) + "\n" for line in PLAIN.splitlines()
        ),
        "spaces around values": PLAIN.replace(",", " , "),
        "no line end at the end": PLAIN.rstrip("\n"),
        "compressed": gzip.compress(PLAIN.encode()),
        "outcomes with a decimal point": as_csv(
            [row | {"outcome_default": f"{row['outcome_default']}.0"} for row in ROWS]
        ),
    }.items(),
)
def test_the_same_loans_are_read_from_another_form_of_file(tmp_path, plain, form, content):
    assert read(written(tmp_path / f"{form}.csv", content)) == plain


def test_a_file_can_be_a_pipe(tmp_path, plain):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=[PLAIN])
    writer.start()
    assert read(pipe) == plain
    writer.join()


def test_empty_lines_are_passed_over_and_lines_are_counted_as_an_editor_does(tmp_path):
    lines = PLAIN.splitlines()
    loans = read(written(tmp_path / "gaps.csv", "\n".join([lines[0], "", lines[1], "", lines[2]])))
    assert [loan.line for loan in loans] == [3, 5]


@pytest.mark.parametrize(
    ("column", "value", "why"),
    [
        ("employees", "nan", "finite"),
        ("employees", "", "empty"),
        ("employees", "-1", "between"),
        ("amount_approved", "inf", "finite"),
        ("amount_approved", "0", "between"),
        ("amount_approved", "1e12", "between"),
        ("revolver", "2", "between"),
        ("franchise", "0.5", "between"),
        ("outcome_default", "", "not known"),
        ("outcome_default", "NaN", "not known"),
    ],
)
def test_a_row_that_cannot_be_used_is_left_out_and_says_which_column_and_why(tmp_path, column, value, why):
    bad, *others = read(written(tmp_path / "a.csv", [ROWS[0] | {column: value}, *ROWS[1:]]))
    assert bad.features is None
    assert bad.left_out.column == column
    assert why in bad.left_out.why
    assert len(others) == 19
    assert all(loan.left_out is None for loan in others)


def test_an_unknown_sector_state_age_or_form_is_no_reason_to_leave_a_row_out(tmp_path):
    strange = {"naics": "0", "state": "Mars", "new_business": "ancient", "legal_form": "guild"}
    loan, *_ = read(written(tmp_path / "a.csv", [ROWS[0] | strange]))
    found = {name: loan.features[name] for name in ("subsector", "state", "business_age", "legal_form")}
    assert list(found.values()) == ["unknown", "unknown", "unknown", "other"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (PLAIN.splitlines()[0] + "\n", "no rows below its header"),
        (
            as_csv(ROWS, [name for name in COLUMNS if name not in {"naics", "state"}]),
            "naics, state is missing",
        ),
        (as_csv(ROWS, [name for name in COLUMNS if name != "outcome_default"]), "outcome_default is missing"),
        (PLAIN.replace("zip3", "state", 1), "state is there more than once"),
        (PLAIN.replace(",", ";"), "is missing"),
        (PLAIN + "1,2,3\n", "line 22: 3 fields, but the header has 20"),
        (
            as_csv([*ROWS, ROWS[0] | {"employees": "many"}]),
            "line 22: employees is “many”, which is not a number",
        ),
        (as_csv([*ROWS, ROWS[0] | {"amount_approved": "6_0000"}]), "amount_approved is “6_0000”"),
        (
            as_csv([*ROWS, ROWS[0] | {"outcome_default": "2"}]),
            "line 22: outcome_default is “2”, neither 0 nor 1",
        ),
        (as_csv([*ROWS, ROWS[0] | {"outcome_default": "CHGOFF"}]), "neither 0 nor 1"),
        (PLAIN + '"an open quote\n', "not a CSV file"),
        (PLAIN.encode().replace(b"other", b"\xf6ther", 1), "not UTF-8"),
        (PLAIN.encode("utf-16"), "not UTF-8"),
        (gzip.compress(PLAIN.encode())[:200], "cannot be read"),
        (b"\x1f\x8b" + PLAIN.encode(), "cannot be read"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "not UTF-8"),
    ],
)
def test_a_file_that_is_no_table_of_loans_is_refused_with_a_sentence(tmp_path, content, said):
    with pytest.raises(UnreadableLoans, match=said):
        read(written(tmp_path / "a.csv", content))


def test_a_damaged_archive_is_refused_wherever_it_is_damaged(tmp_path):
    """A flipped bit in the middle once ended in zlib's own error."""
    whole = gzip.compress(as_csv(packaged_rows("2005-01-01")).encode())
    refused = 0
    for place in range(20, len(whole), len(whole) // 25):
        broken = bytearray(whole)
        broken[place] ^= 0xFF
        try:
            read(written(tmp_path / "a.csv.gz", bytes(broken)))
        except UnreadableLoans:
            refused += 1
    assert refused >= 25


def test_no_file_and_a_folder_are_told_apart(tmp_path):
    with pytest.raises(UnreadableLoans, match="There is no file"):
        read(tmp_path / "nothing.csv")
    with pytest.raises(UnreadableLoans, match="cannot be read"):
        read(tmp_path)
