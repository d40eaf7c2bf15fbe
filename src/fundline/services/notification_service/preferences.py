"""A subscriber's preferences: read them, or put the whole document."""

from typing import Any

import orjson

from fundline.platform.audit.trail import AuditEntry, record
from fundline.platform.clock import Clock, utc_now
from fundline.platform.database import Connection, Database
from fundline.platform.database.idempotency import StoredAnswer, WriteKey, write_once
from fundline.platform.http.requests import parse_body
from fundline.platform.identity import Caller, Role
from fundline.services.notification_service import preference_store
from fundline.services.notification_service.recording import ACTOR
from fundline.services.notification_service.schemas import PreferencesDocument, preferences_view

SUBSCRIBERS = (Role.APPLICANT, Role.PARTNER)


class PreferenceDesk:
    def __init__(self, database: Database, *, now: Clock = utc_now) -> None:
        self._database, self._now = database, now

    async def read(self, caller: Caller) -> dict[str, Any]:
        """The caller's own; the defaults when none were ever put. Raises Forbidden."""
        caller.require(*SUBSCRIBERS)
        return preferences_view(await preference_store.find(self._database, caller.subject))

    async def put(self, caller: Caller, key: WriteKey, body: bytes) -> StoredAnswer:
        """200 and the document. Raises Forbidden, InvalidRequest, BrokenJson, KeyReused."""
        caller.require(*SUBSCRIBERS)
        preferences = parse_body(PreferencesDocument, body).preferences()
        view = preferences_view(preferences)

        async def work(connection: Connection) -> tuple[int, bytes]:
            at = self._now()
            await preference_store.put(connection, caller.subject, preferences, at)
            shown = {**view, "email": {**view["email"], "address": preferences.email_address is not None}}
            entry = AuditEntry(
                f"notification-preferences:{caller.subject}",
                f"{ACTOR}:{caller.subject}",
                "notification_preferences.changed",
                at,
                details=shown,  # that there is an address, not which: the trail is never forgotten
            )
            await record(connection, entry)
            return 200, orjson.dumps(view)

        return await write_once(self._database, key, work)
