"""A subscriber's preferences: read them, or put the whole document."""

from fundline.platform.audit.trail import AuditEntry, record
from fundline.platform.clock import Clock, utc_now
from fundline.platform.database import Connection, Database
from fundline.platform.database.idempotency import Once
from fundline.platform.identity import Caller
from fundline.services.notification_service import preference_store
from fundline.services.notification_service.answers import NotificationPreferences
from fundline.services.notification_service.audit import actor_of
from fundline.services.notification_service.schemas import PreferencesDocument


class PreferenceDesk:
    def __init__(self, database: Database, *, now: Clock = utc_now) -> None:
        self._database, self._now = database, now

    async def read(self, caller: Caller) -> NotificationPreferences:
        """The caller's own; the defaults when none were ever put."""
        return NotificationPreferences.of(await preference_store.find(self._database, caller.subject))

    async def put(
        self, caller: Caller, document: PreferencesDocument, once: Once[NotificationPreferences]
    ) -> NotificationPreferences:
        """Raises what `Once.write` raises."""
        preferences = document.preferences()

        async def work(connection: Connection) -> NotificationPreferences:
            at = self._now()
            await preference_store.put(connection, caller.subject, preferences, at)
            entry = AuditEntry(
                f"notification-preferences:{caller.subject}",
                actor_of(caller),
                "notification_preferences.changed",
                at,
                details={  # that there is an address, not which: the trail is never forgotten
                    "email": {
                        "address": preferences.email_address is not None,
                        "enabled": preferences.email_enabled,
                        "statuses": list(preferences.email_statuses),
                    },
                    "webhooks": {"enabled": preferences.webhooks_enabled},
                },
            )
            await record(connection, entry)
            return NotificationPreferences.of(preferences)

        return await once.write(self._database, work)
