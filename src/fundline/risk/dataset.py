"""Labelled loans from a file with the columns of sba_loans.csv, one row at a time.

Only the columns that the features name are handed to a model, beside the outcome and, for training, the approval date.
"""

import csv
import gzip
import io
import math
import zlib
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
KNOWN_ON_APPLYING = frozenset(
    {
        "state", "zip3", "naics", "legal_form", "new_business", "employees", "jobs_create", "jobs_retain",
        "franchise", "revolver", "amount_approved",
    }
)  # fmt: skip
"""What a feature may rest on. Everything else is refused, a column that nobody has heard of too: the outcomes and
the term know the future, the approval date, `lowdoc` and `urban_rural` tell the era, `sba_guaranteed` the programme.
"""
_COLUMN_OF = {feature.name: feature.column for feature in FEATURES}
_GZIP = b"\x1f\x8b"


class UnreadableLoans(ValueError):
    """The file cannot be used. The text is a sentence that names the line, counted from 1 for the header."""


class LeakingFeature(ValueError):
    """A feature rests on what nobody knows when somebody applies."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Why a row cannot be used: its outcome is not known yet, or no application can look like this."""

    column: str
    why: str


@dataclass(frozen=True, slots=True)
class LabelledLoan:
    """`features` None: the row is left out, `left_out` says why, and `defaulted` means nothing."""

    line: int
    features: FeatureValues | None
    defaulted: bool
    approved_on: str
    """ISO date; empty when the file has no such column."""
    left_out: LeftOut | None = None


def refuse_leaks(features: Sequence[Feature] = FEATURES) -> None:
    """Raises LeakingFeature when a feature rests on anything but KNOWN_ON_APPLYING."""
    for feature in features:
        if feature.column not in KNOWN_ON_APPLYING:
            raise LeakingFeature(
                f"The feature {feature.name} rests on {feature.column}, which is not known when somebody applies."
            )


def read_loans(path: Path) -> Iterator[LabelledLoan]:
    """The rows of a CSV file, plain or gzip, in any order of columns; further columns are ignored.

    Raises UnreadableLoans: no file, no text, a column is missing, an outcome is neither 0, 1 nor empty, a number is
    a word. What is empty or not a number (NaN) leaves out its row.
    """
    try:
        with _opened(path) as text:
            yield from _rows(csv.reader(text, strict=True), path)
    except FileNotFoundError:
        raise UnreadableLoans(f"There is no file {path}.") from None
    except UnicodeDecodeError as error:
        raise UnreadableLoans(f"{path} is not UTF-8 text ({error.reason}).") from error
    except (OSError, EOFError, zlib.error) as error:
        raise UnreadableLoans(f"{path} cannot be read ({error}).") from error


@contextmanager
def _opened(path: Path) -> Iterator[IO[str]]:
    # Opened once and looked at without reading on: the file may be a pipe.
    with path.open("rb") as file:
        raw = gzip.GzipFile(fileobj=file) if file.peek(2)[:2] == _GZIP else file
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
    approved_on = row.get(APPROVAL_DATE, "").strip()
    defaulted = _outcome(row[OUTCOME], line, path)
    features: FeatureValues | None = None
    left_out: LeftOut | None = None
    if defaulted is None:
        left_out = LeftOut(OUTCOME, "the outcome is not known")
    else:
        features, left_out = _features(row, line, path)
    return LabelledLoan(line, features, bool(defaulted), approved_on, left_out)


def _features(
    row: Mapping[str, str], line: int, path: Path
) -> tuple[FeatureValues, None] | tuple[None, LeftOut]:
    for column in FEATURE_COLUMNS:
        text = row[column].strip()
        if column in _NUMERIC_COLUMNS and not text:
            return None, LeftOut(column, "it is empty")
        if column in _NUMERIC_COLUMNS and _number(text) is None:
            raise UnreadableLoans(f"{path}, line {line}: {column} is “{text}”, which is not a number.")
    try:
        return features_of_loan({column: row[column] for column in FEATURE_COLUMNS}), None
    except FeatureError as error:
        return None, LeftOut(_COLUMN_OF[error.feature], str(error).rstrip("."))


def _outcome(text: str, line: int, path: Path) -> bool | None:
    """Written as 0, 1, 0.0 or 1.0; None when it is empty or NaN."""
    number = _number(text.strip() or "nan")
    if number is None or not (math.isnan(number) or number in {0.0, 1.0}):
        raise UnreadableLoans(f"{path}, line {line}: {OUTCOME} is “{text.strip()}”, neither 0 nor 1.")
    return None if math.isnan(number) else bool(number)


def _number(text: str) -> float | None:
    """NaN and infinity are numbers here: such a row is left out, but the file is not broken."""
    try:
        return None if "_" in text else float(text)  # Python reads 6_0000 as a number; nobody else does
    except ValueError:
        return None
