"""What `fundline funding` shows to people; a program reads the same with --json."""

from collections.abc import Mapping
from typing import Any

from fundline.commands.operations_client import older_ones
from fundline.commands.table import aligned

_SENTENCES = {
    "proposed": "Asked for; another operator has to agree: `fundline funding agree {id} --reason ...`.",
    "agreed": "It counts: {amount} {currency} of {account}. Payments that waited go on.",
    "withdrawn": "Withdrawn; it does not count.",
}


def show_sources(told: Mapping[str, Any]) -> str:
    rows = [("lender", "currency", "committed", "drawn", "left")]
    rows += [
        (one["account"], one["currency"], one["committed"], one["drawn"], one["available"])
        for one in told["items"]
    ]
    return "\n".join(aligned(rows, right={2, 3, 4}))


def show_commitments(page: Mapping[str, Any]) -> str:
    if not page["items"]:
        return "There are no commitments."
    rows = [("id", "state", "lender", "amount", "", "requested by", "reason")]
    rows += [
        (c["id"], c["state"], c["account"], c["amount"], c["currency"], c["requestedBy"], c["reason"])
        for c in page["items"]
    ]
    return "\n".join([*aligned(rows, right={3}), *older_ones(page)])


def show_commitment(told: Mapping[str, Any]) -> str:
    return _SENTENCES[told["state"]].format_map(told)
