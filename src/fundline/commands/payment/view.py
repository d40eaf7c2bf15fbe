"""What `fundline payment` shows to people; a program reads the same with --json."""

from typing import Any


def payment_row(item: dict[str, Any]) -> tuple[str, ...]:
    waits_for = "a second person" if item["waitsForRelease"] else ""
    if item["state"] == "requested" and not waits_for:
        waits_for = "the bank, or the halt"
    return (
        item["applicationId"],
        item["amount"],
        item["currency"],
        item["state"],
        waits_for,
        item["approvedBy"] or "",
    )
