"""What `fundline audit` reads: the trail with its witnesses outside, and the story of an application."""

import os
from pathlib import Path
from typing import Any

from fundline.commands.audit.coverage import check_coverage
from fundline.commands.place import home_of, open_place
from fundline.platform.audit.anchors import AnchorKeys, AuditKeyUnusable
from fundline.platform.audit.chains import Counted
from fundline.platform.audit.findings import Finding
from fundline.platform.audit.verify import Witnesses, verify_trail
from fundline.platform.clock import utc_now
from fundline.platform.command_errors import CommandFailed
from fundline.platform.refusals import Unavailable
from fundline.records.recorded_rows import check_recorded_rows
from fundline.records.references import MistypedTrackingId
from fundline.records.story import find_application, story_of
from fundline.stack.keys import StackKeys

SHOWN_FINDINGS = 1000
"""More are counted and not shown: whoever has cut off everything makes one for each stream."""


async def read_story(home: Path | None, text: str) -> dict[str, Any]:
    """Raises CommandFailed."""
    try:
        database = await open_place(home)
        try:
            found = await find_application(database, text)
            if found is None:
                raise CommandFailed(
                    f"There is no application {text}; give an application id or a tracking id."
                )
            entries = await story_of(database, found["application_id"])
        finally:
            await database.close()
    except MistypedTrackingId as mistyped:
        raise CommandFailed(mistyped.sentence) from None
    except Unavailable as error:
        raise CommandFailed("The database does not answer.") from error
    return {
        "applicationId": str(found["application_id"]),
        "trackingId": found["tracking_id"],
        "userId": found["user_id"],
        "status": found["status"],
        "entries": entries,
    }


async def read_findings(
    home: Path | None, witnesses: Witnesses, anchored_within_s: float
) -> tuple[Counted, list[Finding], int]:
    """Raises CommandFailed."""
    counted, findings, more = Counted(), list[Finding](), 0
    try:
        database = await open_place(home)
        try:
            chains = verify_trail(
                database, witnesses, counted, now=utc_now(), anchored_within_s=anchored_within_s
            )
            for check in (chains, check_coverage(database), check_recorded_rows(database)):
                async for finding in check:
                    if len(findings) < SHOWN_FINDINGS:
                        findings.append(finding)
                    else:
                        more += 1
        finally:
            await database.close()
    except Unavailable as error:
        raise CommandFailed("The database does not answer; nothing can be said about the trail.") from error
    return counted, findings, more


def witnesses_of(chosen: Path | None) -> Witnesses:
    """FUNDLINE_AUDIT_ANCHOR_FILE and FUNDLINE_AUDIT_KEY_FILE, else the stack's. Raises CommandFailed."""
    home = home_of(chosen)
    key_file = os.environ.get("FUNDLINE_AUDIT_KEY_FILE") or StackKeys(home).audit_key
    anchor_file = os.environ.get("FUNDLINE_AUDIT_ANCHOR_FILE") or home.audit_anchors
    try:
        keys = AnchorKeys(Path(key_file))
    except AuditKeyUnusable as error:
        raise CommandFailed(str(error)) from error
    return Witnesses(Path(anchor_file), keys, sorted(home.logs.glob("event-router-*.log")))
