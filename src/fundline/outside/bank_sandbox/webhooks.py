"""Tells the customer of outcomes: signed by the Standard Webhooks spec, and again until a 2xx confirms it."""

import asyncio
import random
from datetime import datetime
from functools import partial
from typing import Any

import orjson
from standardwebhooks import Webhook

from fundline.domain.money import Money
from fundline.outside.bank_sandbox.booking import due_webhooks, epoch_ms, note_deliveries
from fundline.outside.bank_sandbox.bookkeeper import Bookkeeper
from fundline.outside.bank_sandbox.outcomes import Outcomes
from fundline.outside.bank_sandbox.store import DueWebhook, Payment
from fundline.platform.clock import Clock
from fundline.platform.http.client import CallNotSent, CallUnanswered, HttpClient
from fundline.platform.loop import Loop

_AT_ONCE = 32
_TIMEOUT_S = 5.0
_BASE_S, _CAP_S = 0.5, 60.0
_AFTER_A_FAILURE_S = 1.0
_OK = range(200, 300)


class Herald(Loop):
    """The list of what is still to be confirmed is on disk, so a restart forgets nothing."""

    def __init__(
        self, bookkeeper: Bookkeeper, outcomes: Outcomes, url: str, secret: str, *, now: Clock
    ) -> None:
        """`url`: one or several, separated by commas. Raises RuntimeError when the secret is not valid."""
        super().__init__("herald", every_s=_AFTER_A_FAILURE_S, limit_s=60.0)
        self._bookkeeper, self._outcomes, self._now = bookkeeper, outcomes, now
        self._urls = url.split(",")
        outcomes.tell = self.wake
        self._client = HttpClient("", timeout_s=_TIMEOUT_S)
        self._signer = Webhook(secret)
        self._dice = random.Random()  # noqa: S311 - jitter, no secret

    async def turn(self) -> float:
        return 0 if await self._send_due() else await self._outcomes.next_webhook_s()

    async def close(self) -> None:
        await self._client.close()

    async def _send_due(self) -> bool:
        """Whether there were any."""
        due = await self._bookkeeper.read(partial(due_webhooks, at=self._now(), limit=_AT_ONCE))
        if not due:
            return False
        results = await asyncio.gather(*(self._send(webhook, payment) for webhook, payment in due))
        at = self._now()
        confirmed, refused = [], []
        for (webhook, _), is_confirmed in zip(due, results, strict=True):
            if is_confirmed:
                confirmed.append(webhook.webhook_id)
            else:
                pause_s = backoff_s(webhook.attempts, self._dice.random())
                refused.append((webhook.webhook_id, epoch_ms(at) + int(pause_s * 1000)))
        await self._bookkeeper.write(partial(note_deliveries, confirmed=confirmed, refused=refused, at=at))
        return True

    async def _send(self, webhook: DueWebhook, payment: Payment) -> bool:
        """To each address until one confirms it; each attempt begins with another."""
        first = webhook.attempts % len(self._urls)
        for url in (*self._urls[first:], *self._urls[:first]):
            if await self._send_to(url, webhook, payment):
                return True
        return False

    async def _send_to(self, url: str, webhook: DueWebhook, payment: Payment) -> bool:
        at = self._now()
        body = orjson.dumps(webhook_body(payment))
        try:
            answer = await self._client.exchange(
                "POST", url, body, self._headers(webhook.webhook_id, at, body)
            )
        except (CallNotSent, CallUnanswered) as silence:
            result, is_confirmed = type(silence).__name__, False
        else:
            result, is_confirmed = str(answer.status), answer.status in _OK
        self._log.info(
            "bank.webhook_delivered" if is_confirmed else "bank.webhook_refused",
            payment_id=payment.payment_id,
            webhook_id=webhook.webhook_id,
            attempts=webhook.attempts + 1,
            result=result,
        )
        return is_confirmed

    def _headers(self, webhook_id: str, at: datetime, body: bytes) -> dict[str, str]:
        return {
            "webhook-id": webhook_id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": self._signer.sign(webhook_id, at, body.decode()),
        }


def backoff_s(attempts: int, chance: float) -> float:
    """Full jitter: up to half a second, doubled with each attempt, up to a minute; `chance` is from 0 to 1."""
    return float(min(_BASE_S * 2 ** min(attempts, 10), _CAP_S)) * max(chance, 0.1)


def webhook_body(payment: Payment) -> dict[str, Any]:
    result = {
        name: value
        for name, value in (
            ("transactionId", payment.transaction_id),
            ("code", payment.decline_code or payment.return_code),
        )
        if value is not None
    }
    at = payment.returned_at or payment.booked_at
    return {
        "type": f"payment.{payment.status}",
        "timestamp": at,
        "data": {
            "paymentId": payment.payment_id,
            "status": payment.status,
            **result,
            "amount": Money(payment.amount_minor, payment.currency).text(),
            "currency": payment.currency,
            "reference": payment.reference,
            "bookedAt": at,
        },
    }
