"""Reading applications: one, or a page. Who may not see an application is told that there is none."""

import base64
import binascii
from typing import Any
from uuid import UUID

from fundline.platform.database import Database
from fundline.platform.identity import Caller
from fundline.platform.refusals import FieldError, InvalidRequest, Kind, Refusal
from fundline.services.application_api import store
from fundline.services.application_api.schemas import ListQuery
from fundline.services.application_api.views import application_view


class ApplicationNotFound(Refusal):
    kind = Kind.NOT_FOUND
    code = "application-not-found"
    title = "There is no such application"

    def __init__(self) -> None:
        super().__init__("No application with this id is visible to you.")


def application_id_of(text: str) -> UUID:
    """Raises ApplicationNotFound: an id that is none cannot be anybody's."""
    try:
        return UUID(text)
    except ValueError:
        raise ApplicationNotFound from None


async def read_one(database: Database, caller: Caller, text: str) -> dict[str, Any]:
    """From the primary: who has just written sees what was written."""
    row = await store.find(database, application_id_of(text))
    if row is None or not (caller.sees_everything or row["user_id"] == caller.subject):
        raise ApplicationNotFound
    return application_view(row)


async def read_page(database: Database, caller: Caller, query: ListQuery) -> dict[str, Any]:
    """`{items, nextCursor}`, newest first. The cursor is opaque; None on the last page."""
    before = None if query.cursor is None else _decode(query.cursor)
    owner = None if caller.sees_everything else caller.subject
    rows = await store.page(database, owner=owner, before=before, status=query.status, limit=query.limit + 1)
    items = rows[: query.limit]
    more = len(rows) > query.limit
    return {
        "items": [application_view(row) for row in items],
        "nextCursor": _encode(items[-1]["application_id"]) if more else None,
    }


def _encode(last: UUID) -> str:
    return base64.urlsafe_b64encode(last.bytes).rstrip(b"=").decode()


def _decode(cursor: str) -> UUID:
    try:
        return UUID(bytes=base64.urlsafe_b64decode(cursor + "=="))
    except (ValueError, binascii.Error):
        raise InvalidRequest(
            "The query was refused.", errors=[FieldError("cursor", "This cursor was not given out by us.")]
        ) from None
