"""Sending one mail through our mail server."""

from fundline.platform.mail import MailRejected, MailServer, MailServerAway
from fundline.platform.resilience import BreakerOpen, CircuitBreaker
from fundline.services.notification_service.delivery import Delivery, DeliveryResult, Outcome
from fundline.services.notification_service.mails import MailRoom


class MailChannel:
    def __init__(self, server: MailServer, mails: MailRoom, breaker: CircuitBreaker) -> None:
        self._server, self._mails, self._breaker = server, mails, breaker

    @property
    def is_open(self) -> bool:
        return not self._breaker.is_open

    async def deliver(self, delivery: Delivery) -> Outcome:
        """At least once: a server that took the mail and whose answer got lost gets it again, with its Message-ID."""
        if delivery.address is None:
            return Outcome(DeliveryResult.UNWANTED, "The subscriber does not want this mail any more.")
        mail = self._mails.write(delivery.kind, delivery.body, delivery.address, delivery.notification_id)
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
