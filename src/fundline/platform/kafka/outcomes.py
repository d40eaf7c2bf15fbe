"""What happens after a handler: done, retry topic, dead-letter topic, or wait until our own parts are back."""

import random
from collections.abc import Callable
from datetime import datetime, timedelta

from fundline.contracts.payloads import iso_utc
from fundline.contracts.topics import Topic
from fundline.platform.kafka.messages import (
    ATTEMPT,
    CAUSE,
    DEFERRALS,
    FIRST_FAILURE,
    GROUP,
    NOT_BEFORE,
    ORIGIN,
    Delivery,
    Poison,
    RetryLater,
)
from fundline.platform.kafka.producer import Outgoing
from fundline.platform.settings import KafkaSettings


class FailureRouting:
    """Decides where a failed message goes. Pure: time and dice are passed in."""

    def __init__(
        self,
        settings: KafkaSettings,
        group: str,
        *,
        now: Callable[[], datetime],
        dice: Callable[[], float] = random.random,
    ) -> None:
        self._settings, self._group, self._now, self._dice = settings, group, now, dice

    def route(self, topic: Topic, delivery: Delivery, error: Exception) -> tuple[str, Outgoing]:
        """The outcome's name (`retry` or `dead_letter`) and the message to publish."""
        first_failure = self._first_failure(delivery)
        if isinstance(error, Poison) or self._is_exhausted(delivery, error, first_failure):
            return "dead_letter", self._dead_letter(topic, delivery, error, first_failure)
        headers = self._headers(delivery, error, first_failure)
        failures = delivery.attempt + delivery.deferrals
        if isinstance(error, RetryLater) and error.within_s is not None:
            headers[DEFERRALS] = str(delivery.deferrals + 1)
        else:
            headers[ATTEMPT] = str(delivery.attempt + 1)
        headers[NOT_BEFORE] = iso_utc(self._now() + timedelta(seconds=self.delay_s(failures)))
        return "retry", Outgoing(topic.retry(self._group), delivery.key, delivery.value, headers)

    def delay_s(self, attempt: int) -> float:
        """Exponential with full jitter. Source: AWS Builders' Library, "Timeouts, retries and backoff with jitter"."""
        ceiling = min(self._settings.retry_cap_s, self._settings.retry_base_s * float(2 ** min(attempt, 16)))
        return self._dice() * ceiling

    def _is_exhausted(self, delivery: Delivery, error: Exception, first_failure: datetime) -> bool:
        if isinstance(error, RetryLater) and error.within_s is not None:
            return (self._now() - first_failure).total_seconds() > error.within_s
        return delivery.attempt >= self._settings.retry_max_attempts

    def _first_failure(self, delivery: Delivery) -> datetime:
        return delivery.moment(FIRST_FAILURE) or self._now()

    def _headers(self, delivery: Delivery, error: Exception, first_failure: datetime) -> dict[str, str]:
        origin = delivery.headers.get(ORIGIN, f"{delivery.topic}/{delivery.partition}/{delivery.offset}")
        return {
            **delivery.headers,
            FIRST_FAILURE: iso_utc(first_failure),
            CAUSE: f"{type(error).__name__}: {error}"[:500],
            GROUP: self._group,
            ORIGIN: origin,
        }

    def _dead_letter(
        self, topic: Topic, delivery: Delivery, error: Exception, first_failure: datetime
    ) -> Outgoing:
        headers = self._headers(delivery, error, first_failure)
        headers[ATTEMPT] = str(delivery.attempt)
        headers.pop(NOT_BEFORE, None)
        return Outgoing(topic.dead_letter, delivery.key, delivery.value, headers)
