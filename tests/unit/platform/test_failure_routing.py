from datetime import UTC, datetime

import pytest

from fundline.contracts.topics import DISBURSEMENT_REQUESTED as TOPIC
from fundline.platform.kafka.messages import Delivery, Poison, RetryLater
from fundline.platform.kafka.outcomes import FailureRouting
from fundline.platform.settings import KafkaSettings

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
SETTINGS = KafkaSettings(kafka_bootstrap="unused", retry_base_s=0.5, retry_cap_s=30)


def routing(dice: float = 1.0, now: datetime = NOW) -> FailureRouting:
    return FailureRouting(SETTINGS, "group-a", now=lambda: now, dice=lambda: dice)


def delivery(**headers: str) -> Delivery:
    return Delivery(
        TOPIC.name,
        3,
        42,
        "key",
        b"{}",
        {"ce_id": "e-1", **{k.replace("_", "-"): v for k, v in headers.items()}},
    )


def test_a_failed_message_goes_to_its_own_groups_retry_topic_with_its_history():
    name, message = routing().route(TOPIC, delivery(), RetryLater("not yet"))
    assert name == "retry"
    assert message.topic == "disbursement.requested.group-a.retry"
    assert message.headers["fundline-attempt"] == "2"
    assert message.headers["fundline-not-before"] == "2026-11-23T10:00:01.000000Z"
    assert message.headers["fundline-origin"] == "disbursement.requested/3/42"
    assert message.headers["fundline-cause"] == "RetryLater: not yet"
    assert message.headers["fundline-first-failure"] == "2026-11-23T10:00:00.000000Z"
    assert message.headers["fundline-group"] == "group-a"
    assert message.headers["ce_id"] == "e-1"
    assert (message.key, message.value) == ("key", b"{}")


def test_poison_goes_straight_to_the_dead_letters():
    name, message = routing().route(TOPIC, delivery(), Poison("no use"))
    assert (name, message.topic) == ("dead_letter", "disbursement.requested.dlq")
    assert (message.key, message.value) == ("key", b"{}")
    assert message.headers["fundline-cause"] == "Poison: no use"
    assert message.headers["fundline-attempt"] == "1"


def test_a_later_failure_keeps_the_first_ones_time_and_place():
    earlier = delivery(
        fundline_attempt="5",
        fundline_first_failure="2026-11-23T09:00:00Z",
        fundline_origin="disbursement.requested/1/7",
        fundline_not_before="2026-11-23T09:59:00Z",
    )
    name, message = routing().route(TOPIC, earlier, KeyError("bug"))
    assert name == "dead_letter"
    assert message.headers["fundline-first-failure"] == "2026-11-23T09:00:00.000000Z"
    assert message.headers["fundline-origin"] == "disbursement.requested/1/7"
    assert message.headers["fundline-attempt"] == "5"
    assert "fundline-not-before" not in message.headers, "a replay must not wait for a time of the past"


def test_a_cause_has_at_most_500_characters():
    _, message = routing().route(TOPIC, delivery(), Poison("x" * 600))
    assert message.headers["fundline-cause"] == f"Poison: {'x' * 492}"


@pytest.mark.parametrize(
    ("attempt", "expected"), [("1", "retry"), ("4", "retry"), ("5", "dead_letter"), ("9", "dead_letter")]
)
def test_the_fifth_failure_is_the_last(attempt, expected):
    assert routing().route(TOPIC, delivery(fundline_attempt=attempt), KeyError("bug"))[0] == expected


def test_delays_double_up_to_the_cap_and_are_fully_jittered():
    assert [routing().delay_s(n) for n in (1, 2, 3, 4, 10, 500)] == [1, 2, 4, 8, 30, 30]
    assert routing(dice=0.0).delay_s(4) == 0
    assert routing(dice=0.25).delay_s(4) == 2


def test_a_forged_number_of_attempts_makes_no_number_that_overflows():
    endless = SETTINGS.model_copy(update={"retry_cap_s": 10.0**9})
    forged = FailureRouting(endless, "group-a", now=lambda: NOW, dice=lambda: 1.0)
    assert [forged.delay_s(attempts) for attempts in (15, 16, 17, 10**6)] == [
        16384.0,
        32768.0,
        32768.0,
        32768.0,
    ]


def test_forged_retry_headers_do_no_harm():
    odd = delivery(fundline_attempt="-7", fundline_first_failure="yesterday", fundline_not_before="soon")
    assert odd.attempt == 1
    assert odd.not_before() is None
    assert routing().route(TOPIC, odd, RetryLater("x"))[0] == "retry"
