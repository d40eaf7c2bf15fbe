"""What happens after a handler: done, retry topic, dead-letter topic, or wait until our own parts are back."""

import hashlib
import random
from collections.abc import Callable
from datetime import datetime, timedelta

from fundline.contracts.payloads import iso_utc
from fundline.contracts.topics import Topic
from fundline.platform.kafka.door import HEAD_BYTES
from fundline.platform.kafka.messages import (
    ATTEMPT,
    CAUSE,
    CUT_BYTES,
    CUT_SHA256,
    FIRST_FAILURE,
    GROUP,
    NOT_BEFORE,
    ORIGIN,
    Cut,
    Delivery,
    Poison,
)
from fundline.platform.kafka.producer import Outgoing
from fundline.platform.settings import KafkaSettings

_LONGEST_CAUSE = 500


class FailureRouting:
    """Decides where a failed message goes. Pure: time and dice are passed in. Never raises, whatever has failed."""

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
        if isinstance(error, Poison) or delivery.attempt >= self._settings.retry_max_attempts:
            return "dead_letter", self._dead_letter(topic, delivery, error, first_failure)
        headers = self._headers(delivery, error, first_failure)
        headers[ATTEMPT] = str(delivery.attempt + 1)
        headers[NOT_BEFORE] = iso_utc(self._now() + timedelta(seconds=self.delay_s(delivery.attempt)))
        return "retry", Outgoing(topic.retry(self._group), delivery.key, delivery.value, headers)

    def delay_s(self, attempt: int) -> float:
        """Exponential with full jitter. Source: AWS Builders' Library, "Timeouts, retries and backoff with jitter"."""
        ceiling = min(self._settings.retry_cap_s, self._settings.retry_base_s * float(2 ** min(attempt, 16)))
        return self._dice() * ceiling

    def _first_failure(self, delivery: Delivery) -> datetime:
        """What comes from the future would never be too long ago."""
        now = self._now()
        return min(delivery.moment(FIRST_FAILURE) or now, now)

    def _headers(self, delivery: Delivery, error: Exception, first_failure: datetime) -> dict[str, str]:
        origin = delivery.headers.get(ORIGIN, delivery.place)
        return {
            **delivery.headers,
            FIRST_FAILURE: iso_utc(first_failure),
            CAUSE: cause_of(error),
            GROUP: self._group,
            ORIGIN: origin,
        }

    def _dead_letter(
        self, topic: Topic, delivery: Delivery, error: Exception, first_failure: datetime
    ) -> Outgoing:
        headers = self._headers(delivery, error, first_failure)
        headers[ATTEMPT] = str(delivery.attempt)
        headers.pop(NOT_BEFORE, None)
        if delivery.cut is not None:
            headers |= headers_of_cut(delivery.cut, origin=delivery.place)
        return Outgoing(topic.dead_letter, delivery.key, delivery.value, headers)

    def head_only(self, topic: Topic, delivery: Delivery, error: Exception) -> Outgoing:
        """A dead letter that Kafka has refused, at its smallest: the head, and where the whole is."""
        headers = self._headers(delivery, error, self._first_failure(delivery))
        headers = {name: headers[name] for name in (FIRST_FAILURE, CAUSE, GROUP)} | {
            ATTEMPT: str(delivery.attempt)
        }
        cut = delivery.cut or Cut(len(delivery.value), hashlib.sha256(delivery.value).hexdigest())
        headers |= headers_of_cut(cut, origin=delivery.place)
        return Outgoing(topic.dead_letter, delivery.key, delivery.value[:HEAD_BYTES], headers)


def headers_of_cut(cut: Cut, *, origin: str) -> dict[str, str]:
    """Of a dead letter that is only a head: `origin` is where the whole message is, as long as Kafka keeps it."""
    return {CUT_BYTES: str(cut.size_bytes), CUT_SHA256: cut.sha256, ORIGIN: origin}


def cause_of(error: BaseException) -> str:
    """Class and sentence, at most 500 characters, as text that can be written anywhere."""
    try:
        sentence = str(error)
    except Exception:  # an error whose own sentence fails on what a stranger wrote
        sentence = "its sentence cannot be read"
    text = f"{type(error).__name__}: {sentence}"[:_LONGEST_CAUSE]
    return text.encode("utf-8", "replace").decode().replace("\x00", "\N{REPLACEMENT CHARACTER}")
