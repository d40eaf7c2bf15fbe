"""What `fundline audit` shows to people; a program reads the same with --json."""

from collections.abc import Mapping
from typing import Any


def story_lines(story: Mapping[str, Any]) -> list[str]:
    """A line for each entry, its reason and details below it."""
    entries = story["entries"]
    whose = f"Application {story['trackingId']} of {story['userId']}, now {story['status']}"
    lines = [f"{whose} ({story['applicationId']}): {len(entries)} entries."]
    for entry in entries:
        who = entry["process"] + (f" for {entry['subject']}" if entry["subject"] else "")
        lines.append(f"{entry['sequence']:>4}  {entry['at'][:23]}Z  {entry['action']:<26} {who}")
        if entry["reason"]:
            lines.append(f"      why: {entry['reason']}")
        shown = ", ".join(
            f"{name} {_short(value)}" for name, value in entry["details"].items() if value not in (None, [])
        )
        if shown:
            lines.append(f"      {shown}")
        if entry["evidenceHash"]:
            lines.append(f"      evidence {entry['evidenceHash'][:16]}…")
    if waiting := sum(not entry["anchored"] for entry in entries):
        lines.append(f"{waiting} of them wait for their anchor.")
    return lines


def _short(value: Any) -> str:
    """Text as it is; a list of objects by their codes."""
    if isinstance(value, list):
        return " ".join(
            str(item.get("code", item)) if isinstance(item, dict) else str(item) for item in value
        )
    return str(value)
