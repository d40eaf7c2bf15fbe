"""Sending one webhook: opened secret, signature, one call, and what the answer means."""

from datetime import datetime

from fundline.platform.clock import Clock, utc_now
from fundline.platform.http.outbound import OutboundAnswer, OutboundClient, TargetRefused, TargetUnreachable
from fundline.platform.secrets import SealBroken, SecretBox
from fundline.platform.webhook_signature import signed_headers
from fundline.services.notification_service.delivery import Delivery, DeliveryResult, Outcome
from fundline.services.notification_service.schedule import asked_pause_s

_GONE = 410
_SUCCESS = range(200, 300)
_REDIRECT = range(300, 400)
_HEADERS = {"content-type": "application/json", "user-agent": "Fundline-Webhooks/1"}


class WebhookChannel:
    is_open = True
    """There is no one receiver whose silence would say something about the others."""

    def __init__(self, client: OutboundClient, box: SecretBox, *, now: Clock = utc_now) -> None:
        self._client, self._box, self._now = client, box, now

    async def deliver(self, delivery: Delivery) -> Outcome:
        body, at = delivery.body.encode(), self._now()
        assert delivery.url is not None  # noqa: S101 - a constraint of the table
        try:
            signed = signed_headers(self._keys(delivery, at), f"msg_{delivery.notification_id.hex}", at, body)
            answer = await self._client.post(delivery.url, body, {**_HEADERS, **signed})
        except SealBroken as broken:
            return Outcome(DeliveryResult.FAILED, f"The endpoint's secret cannot be opened: {broken}.")
        except (TargetRefused, TargetUnreachable) as failed:
            return Outcome(DeliveryResult.FAILED, str(failed))
        return _outcome(answer)

    def _keys(self, delivery: Delivery, at: datetime) -> list[str]:
        """The present secret, and the one before for as long as it may sign."""
        assert delivery.endpoint_id is not None  # noqa: S101 - a constraint of the table
        sealed = [delivery.secret]
        if delivery.retired_until is not None and at < delivery.retired_until:
            sealed.append(delivery.retired_secret)
        return [self._box.open(secret, delivery.endpoint_id).decode() for secret in sealed if secret]


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
