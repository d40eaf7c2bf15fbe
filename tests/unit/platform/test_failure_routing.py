from datetime import UTC, datetime, timedelta

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
    assert message.headers["ce_id"] == "e-1"


def test_poison_goes_straight_to_the_dead_letters():
    name, message = routing().route(TOPIC, delivery(), Poison("no use"))
    assert (name, message.topic) == ("dead_letter", "disbursement.requested.dlq")


@pytest.mark.parametrize(
    ("attempt", "expected"), [("1", "retry"), ("4", "retry"), ("5", "dead_letter"), ("9", "dead_letter")]
)
def test_the_fifth_failure_is_the_last(attempt, expected):
    assert routing().route(TOPIC, delivery(fundline_attempt=attempt), KeyError("bug"))[0] == expected


def test_with_a_time_limit_attempts_do_not_count():
    first = (NOW - timedelta(seconds=899)).strftime("%Y-%m-%dT%H:%M:%SZ")
    old = delivery(fundline_attempt="40", fundline_first_failure=first)
    later = RetryLater("unknown", within_s=900)
    assert routing().route(TOPIC, old, later)[0] == "retry"
    assert routing(now=NOW + timedelta(seconds=2)).route(TOPIC, old, later)[0] == "dead_letter"


def test_delays_double_up_to_the_cap_and_are_fully_jittered():
    assert [routing().delay_s(n) for n in (1, 2, 3, 4, 10, 500)] == [1, 2, 4, 8, 30, 30]
    assert routing(dice=0.0).delay_s(4) == 0
    assert routing(dice=0.25).delay_s(4) == 2


def test_forged_retry_headers_do_no_harm():
    odd = delivery(fundline_attempt="-7", fundline_first_failure="yesterday", fundline_not_before="soon")
    assert odd.attempt == 1
    assert odd.not_before() is None
    assert routing().route(TOPIC, odd, RetryLater("x"))[0] == "retry"


def test_a_wait_with_a_time_limit_leaves_the_attempts_for_other_failures():
    waited = delivery(fundline_attempt="1", fundline_deferrals="9")
    name, message = routing().route(TOPIC, waited, RetryLater("the bank is away", within_s=900))
    assert (message.headers["fundline-attempt"], message.headers["fundline-deferrals"]) == ("1", "10")
    name, message = routing().route(TOPIC, waited, KeyError("an odd answer"))
    assert name == "retry"
    assert message.headers["fundline-attempt"] == "2"


def test_a_time_without_a_zone_is_no_time():
    assert delivery(fundline_not_before="2026-11-23T10:00:00").not_before() is None
