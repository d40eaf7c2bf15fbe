import pytest

from fundline.services.notification_service.schedule import LONGEST_WAIT_S, asked_pause_s, pause_s
from fundline.services.notification_service.settings import DeliverySettings

STANDARD = DeliverySettings(database_url="postgresql://unused").retry_pauses_s


def test_without_a_setting_the_schedule_is_the_one_of_the_standard():
    """Standard Webhooks: 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h after the first attempt."""
    hours = [0, 0, 0, 2, 5, 10, 14, 20, 24]
    assert [s // 3600 for s in STANDARD] == hours
    assert STANDARD[:3] == (5, 300, 1800)
    starts = [sum(STANDARD[:attempt]) for attempt in range(10)]
    assert starts[-1] == ((75 * 60) + 35) * 60 + 5 + 24 * 3600 - 24 * 3600


def test_each_failure_takes_the_next_pause_and_after_the_last_nothing_is_left():
    assert [pause_s(STANDARD, failures, 0.0) for failures in range(1, 10)] == list(STANDARD)
    assert pause_s(STANDARD, 10, 0.0) is None


@pytest.mark.parametrize(("dice", "expected"), [(0.0, 300), (0.5, 315), (1.0, 330)])
def test_a_pause_is_up_to_a_tenth_longer_so_that_failures_do_not_come_back_together(dice, expected):
    assert pause_s(STANDARD, 2, dice) == pytest.approx(expected)


def test_what_the_receiver_asks_for_lengthens_a_pause_and_never_shortens_it():
    assert pause_s(STANDARD, 1, 0.0, 120.0) == 120
    assert pause_s(STANDARD, 2, 0.0, 120.0) == 300
    assert pause_s(STANDARD, 1, 0.0, 10.0**8) == LONGEST_WAIT_S


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("", None),
        ("120", 120.0),
        (" 0 ", 0.0),
        ("-1", None),
        ("1e9", None),
        ("\u0663", None),
        ("9" * 20, None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
    ],
)
def test_retry_after_is_read_as_seconds(header, expected):
    assert asked_pause_s(header) == expected
