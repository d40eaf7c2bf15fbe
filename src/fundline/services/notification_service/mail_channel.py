"""The channel for mails: who wants one, and sending it through our mail server."""

from collections.abc import Sequence
from typing import Any

import orjson

from fundline.platform.database import Connection, Database
from fundline.platform.mail import MailRejected, MailServer, MailServerAway
from fundline.platform.resilience import BreakerOpen, CircuitBreaker
from fundline.services.notification_service import preference_store
from fundline.services.notification_service.channel import (
    Channel,
    Delivery,
    DeliveryResult,
    Letter,
    Outcome,
)
from fundline.services.notification_service.mail_messages import MailKind, mail_about, mail_facts
from fundline.services.notification_service.mails import MailRoom
from fundline.services.notification_service.told import Told

LANE = "mail server"
"""No host has a blank in its name."""


class MailChannel(Channel):
    name = "email"

    def __init__(
        self, database: Database, server: MailServer, mails: MailRoom, breaker: CircuitBreaker
    ) -> None:
        self._database, self._server, self._mails, self._breaker = database, server, mails, breaker

    @property
    def closed_lanes(self) -> Sequence[str]:
        return (LANE,) if self._breaker.is_open else ()

    async def letters(self, connection: Connection, told: Told) -> Sequence[Letter]:
        mail, owner = mail_about(told), told.subject.owner
        if mail is None or not await preference_store.wants_mail(connection, owner, told.status):
            return ()
        facts = mail_facts(told.subject, reasons=told.reasons, transaction_id=told.transaction_id)
        return (Letter(owner, mail, facts, LANE),)

    async def deliver(self, delivery: Delivery) -> Outcome:
        """At least once: a server that took the mail and whose answer got lost gets it again, with its Message-ID."""
        address = await preference_store.address_of(
            self._database,
            delivery.recipient,
            only_when_on=delivery.application_id is not None,
            to_be_confirmed=delivery.kind == MailKind.CONFIRM_ADDRESS,
        )
        if address is None:
            return Outcome(DeliveryResult.UNWANTED, "The subscriber does not want this mail any more.")
        mail = self._mails.write(delivery.kind, delivery.body, address, delivery.notification_id)
        try:
            with self._breaker.guard():
                await self._server.send(mail)
        except BreakerOpen as resting:
            return Outcome(DeliveryResult.AWAY, str(resting))
        except MailServerAway as away:
            return Outcome(DeliveryResult.AWAY, str(away))
        except MailRejected as rejected:
            result = DeliveryResult.REJECTED if rejected.is_final else DeliveryResult.FAILED
            return Outcome(result, str(rejected), rejected.code)
        return Outcome(DeliveryResult.DELIVERED)


def notice_to(owner: str, kind: MailKind, facts: dict[str, Any]) -> Letter:
    """A mail about something that the owner has set up here; whoever has an address gets it."""
    return Letter(owner, kind, orjson.dumps(facts).decode(), LANE)
