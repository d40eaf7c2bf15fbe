"""What `fundline case` shows to people; a program reads the same with --json."""

from collections.abc import Mapping
from typing import Any

from fundline.commands.text import fact_lines, fitted, minute, page_lines


def show_cases(page: Mapping[str, Any]) -> str:
    lines: list[str] = []
    for case in page["items"]:
        lines.append(f"{case['id']}  {case['state']:<9} {case['kind']:<20} {minute(case['openedAt'])}")
        lines.append(fitted(f"  {case['summary']}"))
    return page_lines(lines, page) or "No case fits."


def show_case(case: Mapping[str, Any]) -> str:
    facts = {
        "kind": case["kind"],
        "state": case["state"],
        "subject": case["subject"],
        "application": case["applicationId"],
        "summary": case["summary"],
        "opened": f"{case['openedAt']} by {case['openedBy']}",
        "proposed": case["proposedBy"] and f"{case['proposedResolution']} ({case['proposedBy']})",
        "resolved": case["resolvedBy"] and f"{case['resolvedAt']} by {case['resolvedBy']}",
        "resolution": case["resolution"],
    }
    return "\n".join([case["id"], *fact_lines(facts), *fact_lines(case["details"])])


def show_case_outcome(case: Mapping[str, Any]) -> str:
    if case["state"] == "resolved":
        return f"Case {case['id']} is resolved: {case['resolution']}"
    return (
        f"Case {case['id']} is about money: another operator has to agree to “{case['proposedResolution']}”."
    )
