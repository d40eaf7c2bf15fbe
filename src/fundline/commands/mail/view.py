"""What `fundline mail` shows to people; a program reads the same with --json."""

from typing import Any


def listed(mails: list[dict[str, Any]]) -> list[str]:
    """A line for each mail, or a sentence when there is none."""
    return [
        f"{kept['number']:>5}  {kept['receivedAt'][:19]}Z  {', '.join(kept['to'])}  {kept['subject']}"
        for kept in mails
    ] or ["No mail is kept; a sink that restarts has none."]
