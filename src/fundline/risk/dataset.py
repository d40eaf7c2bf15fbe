"""Labelled loans from a file with the columns of sba_loans.csv, one row at a time.

Only the columns that the features name are handed to a model, beside the outcome and, for training, the approval date.
"""

import csv
import gzip
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from fundline.risk.features import FEATURES, Feature, FeatureError, FeatureValues, features_of_loan

PACKAGED_LOANS = Path(__file__).parent / "data" / "sba_loans.csv.gz"
OUTCOME = "outcome_default"
APPROVAL_DATE = "approval_date"
FEATURE_COLUMNS: tuple[str, ...] = tuple(feature.column for feature in FEATURES)
_NUMERIC_COLUMNS = frozenset(feature.column for feature in FEATURES if feature.kind != "category")
_LEAKS = re.compile(
    r"outcome|default|charge.?off|term|matur|disburs|balance|paid|recover|current|status|approval|row|sba_guaranteed"
)
_GZIP = b"\x1f\x8b"


class UnreadableLoans(ValueError):
    """The file cannot be used. The text is a sentence that names the line, counted from 1 for the header."""


class LeakingFeature(ValueError):
    """A feature rests on what nobody knows when somebody applies."""


@dataclass(frozen=True, slots=True)
class LabelledLoan:
    """`features` None: the row is impossible as an application, `impossible` says why."""

    line: int
    features: FeatureValues | None
    impossible: str
    defaulted: bool
    approved_on: str
    """ISO date; empty when the file has no such column."""


def refuse_leaks(features: Sequence[Feature] = FEATURES) -> None:
    """Raises LeakingFeature when a feature rests on an outcome, the term, or what is known after approval only."""
    for feature in features:
        if _LEAKS.search(feature.column.lower()):
            raise LeakingFeature(
                f"The feature {feature.name} rests on {feature.column}, not known on applying."
            )


def read_loans(path: Path) -> Iterator[LabelledLoan]:
    """The rows of a CSV file, plain or gzip, in any order of columns; further columns are ignored.

    Raises UnreadableLoans: no file, no text, a column is missing, an outcome is not 0 or 1, a number is none.
    """
    try:
        with _opened(path) as text:
            yield from _rows(csv.reader(text, strict=True), path)
    except FileNotFoundError:
        raise UnreadableLoans(f"There is no file {path}.") from None
    except UnicodeDecodeError as error:
        raise UnreadableLoans(f"{path} is not UTF-8 text ({error.reason}).") from error
    except (OSError, EOFError) as error:
        raise UnreadableLoans(f"{path} cannot be read ({error}).") from error


@contextmanager
def _opened(path: Path) -> Iterator[IO[str]]:
    with path.open("rb") as file:
        is_gzip = file.read(2) == _GZIP
    with gzip.open(path) if is_gzip else path.open("rb") as raw:
        yield io.TextIOWrapper(raw, encoding="utf-8-sig", newline="")


def _rows(lines: Iterator[list[str]], path: Path) -> Iterator[LabelledLoan]:
    try:
        header = [name.strip() for name in next(lines, [])]
        places = _places(header, path)
        found = False
        for fields in lines:
            if not any(fields):
                continue
            found = True
            line = lines.line_num  # type: ignore[attr-defined]  # a csv.reader counts its lines
            if len(fields) != len(header):
                message = f"{path}, line {line}: {len(fields)} fields, but the header has {len(header)}."
                raise UnreadableLoans(message)
            yield _loan({name: fields[place] for name, place in places.items()}, line, path)
    except csv.Error as error:
        line = lines.line_num  # type: ignore[attr-defined]  # a csv.reader counts its lines
        raise UnreadableLoans(f"{path}, line {line}: not a CSV file ({error}).") from error
    if not found:
        raise UnreadableLoans(f"{path} has no rows below its header.")


def _places(header: Sequence[str], path: Path) -> dict[str, int]:
    """Of the columns that are used, and no others."""
    if not any(header):
        raise UnreadableLoans(f"{path} is empty.")
    wanted = (*FEATURE_COLUMNS, OUTCOME)
    missing = [name for name in wanted if name not in header]
    if missing:
        raise UnreadableLoans(f"{path}, line 1: the column {', '.join(missing)} is missing.")
    doubled = [name for name in wanted if header.count(name) > 1]
    if doubled:
        raise UnreadableLoans(f"{path}, line 1: the column {doubled[0]} is there more than once.")
    return {name: header.index(name) for name in (*wanted, APPROVAL_DATE) if name in header}


def _loan(row: Mapping[str, str], line: int, path: Path) -> LabelledLoan:
    defaulted = _outcome(row[OUTCOME], line, path)
    approved_on = row.get(APPROVAL_DATE, "").strip()
    for column in _NUMERIC_COLUMNS:
        text = row[column].strip()
        if not text:
            return LabelledLoan(line, None, f"{column} is empty.", defaulted, approved_on)
        if _number(text) is None:
            raise UnreadableLoans(f"{path}, line {line}: {column} is {text!r}, which is not a number.")
    try:
        features = features_of_loan({column: row[column] for column in FEATURE_COLUMNS})
    except FeatureError as error:
        return LabelledLoan(line, None, str(error), defaulted, approved_on)
    return LabelledLoan(line, features, "", defaulted, approved_on)


def _outcome(text: str, line: int, path: Path) -> bool:
    """Written as 0, 1, 0.0 or 1.0."""
    number = _number(text.strip())
    if number not in {0.0, 1.0}:
        raise UnreadableLoans(f"{path}, line {line}: {OUTCOME} is {text.strip()!r}, neither 0 nor 1.")
    return bool(number)


def _number(text: str) -> float | None:
    """NaN and infinity are numbers here: such a row is impossible, but the file is not broken."""
    try:
        return float(text)
    except ValueError:
        return None
