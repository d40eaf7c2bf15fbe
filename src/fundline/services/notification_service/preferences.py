"""A subscriber's preferences: read them, put the whole document, confirm the address in it."""

from collections.abc import Callable

from fundline.platform.audit.trail import AuditEntry, record
from fundline.platform.clock import Clock, NewId, new_id, utc_now
from fundline.platform.database import Connection, Database
from fundline.platform.database.idempotency import Once
from fundline.platform.identity import Caller
from fundline.services.notification_service import address_store, preference_store
from fundline.services.notification_service.address_codes import (
    CodeRefused,
    NewCode,
    is_right,
    new_code,
    send_code,
)
from fundline.services.notification_service.answers import NotificationPreferences
from fundline.services.notification_service.audit import actor_of
from fundline.services.notification_service.preference_store import Preferences
from fundline.services.notification_service.schemas import PreferencesDocument


class PreferenceDesk:
    """`wake` tells the courier that there is a confirmation to send; it is called after the commit."""

    def __init__(
        self,
        database: Database,
        *,
        wake: Callable[[], None] = lambda: None,
        now: Clock = utc_now,
        fresh_id: NewId = new_id,
        fresh_code: NewCode = new_code,
    ) -> None:
        self._database, self._wake, self._now = database, wake, now
        self._fresh_id, self._fresh_code = fresh_id, fresh_code

    async def read(self, caller: Caller) -> NotificationPreferences:
        """The caller's own; the defaults when none were ever put."""
        return NotificationPreferences.of(await preference_store.find(self._database, caller.subject))

    async def put(
        self, caller: Caller, document: PreferencesDocument, once: Once[NotificationPreferences]
    ) -> NotificationPreferences:
        """Raises TooManyCodes, and what `Once.write` raises."""
        preferences = document.preferences()

        async def work(connection: Connection) -> NotificationPreferences:
            at, address = self._now(), preferences.email_address
            kept = await preference_store.put(connection, caller.subject, preferences, at)
            if address is not None and preferences.email_enabled and not kept.is_confirmed:
                code = self._fresh_code()
                await send_code(
                    connection, caller.subject, address, code=code, at=at, fresh_id=self._fresh_id
                )
            entry = AuditEntry(
                _stream(caller),
                actor_of(caller),
                "notification_preferences.changed",
                at,
                details=_details(preferences),
            )
            await record(connection, entry)
            return NotificationPreferences.of(kept)

        put = await once.write(self._database, work)
        self._wake()
        return put

    async def confirm(
        self, caller: Caller, code: str, once: Once[NotificationPreferences]
    ) -> NotificationPreferences:
        """Raises CodeRefused, and what `Once.write` raises. A try counts whatever comes of it."""
        await once.require_unanswered(self._database)
        at, tried = self._now(), await address_store.try_last(self._database, caller.subject)
        if tried is None or not is_right(tried, caller.subject, code, at):
            raise CodeRefused

        address: str = tried["address"]

        async def work(connection: Connection) -> NotificationPreferences:
            row = await address_store.confirm(connection, caller.subject, address, at)
            if row is None:  # another address was put meanwhile
                raise CodeRefused
            entry = AuditEntry(
                _stream(caller), actor_of(caller), "notification_preferences.address_confirmed", at
            )
            await record(connection, entry)
            return NotificationPreferences.of(preference_store.kept(row))

        return await once.write(self._database, work)


def _stream(caller: Caller) -> str:
    return f"notification-preferences:{caller.subject}"


def _details(preferences: Preferences) -> dict[str, object]:
    """That there is an address, not which: the trail is never forgotten."""
    return {
        "email": {
            "address": preferences.email_address is not None,
            "enabled": preferences.email_enabled,
            "statuses": list(preferences.email_statuses),
        },
        "webhooks": {"enabled": preferences.webhooks_enabled},
    }
