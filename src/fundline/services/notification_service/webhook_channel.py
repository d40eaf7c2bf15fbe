"""The channel for webhooks: which endpoints want an event, one signed call, and what its answer means."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from fundline.platform.clock import Clock, utc_now
from fundline.platform.database import Connection, Database
from fundline.platform.http.outbound import OutboundAnswer, OutboundClient, TargetRefused, TargetUnreachable
from fundline.platform.secrets import SealBroken, SecretBox
from fundline.platform.webhook_signature import signed_headers
from fundline.services.notification_service import endpoint_store
from fundline.services.notification_service.channel import (
    Channel,
    Delivery,
    DeliveryResult,
    Letter,
    Outcome,
    ReceiverWatch,
    endpoint_of,
)
from fundline.services.notification_service.endpoint_store import Target
from fundline.services.notification_service.schedule import asked_pause_s
from fundline.services.notification_service.told import Told
from fundline.services.notification_service.webhook_messages import webhook_body

_GONE = 410
_SUCCESS = range(200, 300)
_REDIRECT = range(300, 400)
_HEADERS = {"content-type": "application/json", "user-agent": "Fundline-Webhooks/1"}


class WebhookChannel(Channel):
    """No lane of it is ever closed: there is no one receiver whose silence would say something about the others."""

    name = "webhook"

    def __init__(
        self,
        database: Database,
        client: OutboundClient,
        box: SecretBox,
        watch: ReceiverWatch,
        *,
        now: Clock = utc_now,
    ) -> None:
        self._database, self._client, self._box = database, client, box
        self.watch, self._now = watch, now

    async def letters(self, connection: Connection, told: Told) -> Sequence[Letter]:
        wanted_by = await endpoint_store.that_want(connection, told.subject.owner, told.kind)
        if not wanted_by:
            return ()
        body = webhook_body(told.kind, told.at, told.data)
        return [
            letter_to(endpoint["endpoint_id"], endpoint["lane"], told.kind, body) for endpoint in wanted_by
        ]

    async def deliver(self, delivery: Delivery) -> Outcome:
        endpoint_id = endpoint_of(delivery)
        target = await endpoint_store.target(self._database, endpoint_id)
        if target is None:  # deleted a moment ago, and this notification with it
            return Outcome(DeliveryResult.UNWANTED, "The endpoint is deleted.")
        body, at = delivery.body.encode(), self._now()
        try:
            keys = self._keys(target, endpoint_id, at)
            signed = signed_headers(keys, f"msg_{delivery.notification_id.hex}", at, body)
            answer = await self._client.post(target.url, body, {**_HEADERS, **signed})
        except SealBroken as broken:
            return Outcome(DeliveryResult.FAILED, f"The endpoint's secret cannot be opened: {broken}.")
        except (TargetRefused, TargetUnreachable) as failed:
            return Outcome(DeliveryResult.FAILED, str(failed))
        return _outcome(answer)

    def _keys(self, target: Target, endpoint_id: UUID, at: datetime) -> list[str]:
        """The present secret, and the one before for as long as it may sign."""
        sealed = [target.secret]
        if (
            target.retired_secret is not None
            and target.retired_until is not None
            and at < target.retired_until
        ):
            sealed.append(target.retired_secret)
        return [self._box.open(secret, endpoint_id).decode() for secret in sealed]


def letter_to(endpoint_id: UUID, lane: str, kind: str, body: str) -> Letter:
    return Letter(str(endpoint_id), kind, body, lane, endpoint_id)


def _outcome(answer: OutboundAnswer) -> Outcome:
    result, detail = DeliveryResult.FAILED, f"The endpoint answered {answer.status}."
    if answer.status in _SUCCESS:
        result, detail = DeliveryResult.DELIVERED, ""
    elif answer.status == _GONE:
        result = DeliveryResult.GONE
    elif answer.status in _REDIRECT:
        detail += " Redirects are not followed: change the endpoint's URL."
    return Outcome(result, detail, answer.status, _excerpt(answer.body), asked_pause_s(answer.retry_after))


def _excerpt(body: bytes) -> str:
    """As text that the database takes: without NUL, whatever the bytes are."""
    return body.decode("utf-8", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
