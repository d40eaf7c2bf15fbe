"""Files of labelled loans for tests, with the columns of sba_loans.csv."""

import csv
import gzip
import io
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from fundline.risk.dataset import PACKAGED_LOANS

COLUMNS = (
    "row", "approval_date", "approval_fy", "state", "zip3", "naics", "legal_form", "new_business", "employees",
    "jobs_create", "jobs_retain", "franchise", "urban_rural", "revolver", "lowdoc", "amount_approved",
    "sba_guaranteed", "outcome_default", "outcome_chargeoff_principal", "outcome_chargeoff_date",
)  # fmt: skip


def packaged_rows(start: str = "", end: str = "9999") -> list[dict[str, str]]:
    """The loans in the repository, approved from `start` up to and without `end`."""
    return [dict(row) for row in _packaged() if start <= row["approval_date"] < end]


@cache
def _packaged() -> tuple[Mapping[str, str], ...]:
    with gzip.open(PACKAGED_LOANS, "rt", newline="") as file:
        return tuple(csv.DictReader(file))


def as_csv(rows: Iterable[Mapping[str, str]], columns: Iterable[str] = COLUMNS, end: str = "\n") -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(columns), extrasaction="ignore", lineterminator=end)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def written(path: Path, content: str | bytes | Iterable[Mapping[str, str]]) -> Path:
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content if isinstance(content, str) else as_csv(content), newline="")
    return path
