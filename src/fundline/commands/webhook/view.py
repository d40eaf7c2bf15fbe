"""What `fundline webhook` shows to people; a program reads the same with --json."""

from typing import Any


def line_of(told: dict[str, Any]) -> str:
    if not told["isGenuine"]:
        return f"REFUSED  {told['id']}  {told['trouble']}"
    content = told["content"]
    data = content.get("data", {})
    details = "  ".join(
        f"{name}={data[name]}" for name in ("trackingId", "status", "sequence") if name in data
    )
    return f"genuine  {told['id']}  {content.get('type')}  {details}".rstrip()
