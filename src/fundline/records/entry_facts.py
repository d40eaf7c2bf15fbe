"""What one entry of the trail says that rows hold: its own `rows`, and what its action says by itself.

A change of status and an underwriter's decision are whole in their entries: nothing is written twice for them.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from fundline.domain.application import ApplicationStatus
from fundline.platform.audit.rows import ROWS, Facts, RecordedTable
from fundline.records.recorded_tables import APPLICATIONS, BY_NAME, DECISIONS, HISTORY

_STATUSES = {f"application.{status.value}": status.value for status in ApplicationStatus}
_BY_THE_ENTRY = {ROWS, "sequence"}
_SUBMISSION = 1
"""The sequence of the first status; its entry's details say what was applied for, its history says nothing more."""

Said = tuple[RecordedTable, Facts]


def details_of(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Empty where somebody has made them no JSON object: the chain shows that."""
    try:
        details = orjson.loads(entry["details"])
    except ValueError:
        return {}
    return details if isinstance(details, dict) else {}


def facts_of(entry: Mapping[str, Any], details: Mapping[str, Any]) -> Iterator[Said]:
    """Facts always hold their row's key. `entry` is a row of audit_entries, with its details read."""
    yield from _rows(details.get(ROWS))
    application_id = entry["stream"].removeprefix("application:")
    if entry["action"] in _STATUSES and isinstance(sequence := details.get("sequence"), int):
        yield from _status(entry, details, application_id, sequence)
    elif entry["action"] == "review.decided":
        decided = {
            "application_id": application_id,
            "decision": details.get("decision"),
            "reason": entry["reason"],
            "decided_by": entry["actor"].partition(":")[2],
            "decided_at": entry["occurred_at"],
        }
        if "principalReasons" in details:  # not before the applicant was told in codes
            decided["principal_reasons"] = orjson.dumps(details["principalReasons"])
        yield DECISIONS, DECISIONS.facts(decided)


def _status(
    entry: Mapping[str, Any], details: Mapping[str, Any], application_id: str, sequence: int
) -> Iterator[Said]:
    status, at = _STATUSES[entry["action"]], entry["occurred_at"]
    metadata = {name: value for name, value in details.items() if name not in _BY_THE_ENTRY}
    moved = {
        "application_id": application_id,
        "status": status,
        "status_sequence": sequence,
        "updated_at": at,
    }
    yield APPLICATIONS, APPLICATIONS.facts(moved)
    change = {
        "application_id": application_id,
        "sequence": sequence,
        "status": status,
        "occurred_at": at,
        "actor": entry["actor"],
        "metadata": orjson.dumps({} if sequence == _SUBMISSION else metadata),
    }
    yield HISTORY, HISTORY.facts(change)


def _rows(recorded: Any) -> Iterator[Said]:
    if not isinstance(recorded, dict):
        return
    for name, rows in recorded.items():
        table = BY_NAME.get(name)
        if table is None or not isinstance(rows, list):
            continue
        for facts in rows:
            if isinstance(facts, dict) and table.key.keys() <= facts.keys():
                yield table, facts
