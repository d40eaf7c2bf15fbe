"""What `fundline payment` shows to people; a program reads the same with --json."""

from collections.abc import Mapping
from typing import Any

from fundline.commands.doors import text_of
from fundline.commands.operations_client import older_ones
from fundline.commands.table import aligned

_UNDO_HALT = "Undo: `fundline payment resume`, by one person, then by another. Payments wait meanwhile."


def show_payments(page: Mapping[str, Any], state: str) -> str:
    """Says what was left out."""
    which = "Payments of every state"
    if state != "all":
        which = f"Only payments that are {state} (--state all shows every one)"
    if not page["items"]:
        return f"{which}: there is none."
    header = ("application", "amount", "", "state", "waits for", "approved by")
    rows = [header, *(_row(item) for item in page["items"])]
    return "\n".join([f"{which}:", *aligned(rows, right={1}), *older_ones(page)])


def show_payment(found: Mapping[str, Any]) -> str:
    return "\n".join(aligned([(name, text_of(value)) for name, value in found.items() if value is not None]))


def show_release(told: Mapping[str, Any]) -> str:
    return f"Released: {told['amount']} {told['currency']}, payment {told['paymentId']}."


def show_refusal(told: Mapping[str, Any]) -> str:
    return f"Refused: {told['amount']} {told['currency']}, payment {told['paymentId']}."


def show_account_asked(told: Mapping[str, Any]) -> str:
    return f"Asked: the applicant may name another account; payment {told['paymentId']} stays failed."


def show_switch(told: Mapping[str, Any]) -> str:
    lines = ["Payments are sent." if told["state"] == "on" else "Payments are halted."]
    if told["resumeAskedBy"]:
        lines.append(
            f"{told['resumeAskedBy']} has asked for them to go on ({told['resumeReason']}); "
            "another person has to agree."
        )
    return "\n".join(lines)


def show_halt(_: Mapping[str, Any]) -> str:
    return f"Payments are halted, in every worker within half a second.\n{_UNDO_HALT}"


def show_emergency(told: Mapping[str, Any]) -> str:
    record = (
        "It is on record."
        if told["recorded"]
        else "It is noted beside the flags, and on record as soon as it can be."
    )
    return f"Payments are halted by the emergency door, as {told['by']}. {record}\n{_UNDO_HALT}"


def show_resume(told: Mapping[str, Any]) -> str:
    if told["state"] == "on":
        return 'Payments go on. Undo: `fundline payment halt --reason "…"`.'
    return (
        f"Asked for by {told['resumeAskedBy']}. Another operator has to agree with the same command; "
        "payments are halted until then."
    )


def _row(item: Mapping[str, Any]) -> tuple[str, ...]:
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
