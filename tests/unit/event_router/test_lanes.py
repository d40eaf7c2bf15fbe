import uuid
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundline.contracts.payloads import RiskScoringRequested
from fundline.services.event_router.lanes import is_express

LIMITS = {"USD": 50_000_00, "JPY": 7_500_000}


def request(amount: str, currency: str) -> str:
    payload = RiskScoringRequested(
        application_id=uuid.uuid4(), amount=amount, currency=currency, timestamp=datetime.now(UTC)
    )
    return payload.wire().decode()


@given(minor=st.integers(1, 10**12))
def test_amounts_up_to_the_limit_take_the_express_lane_and_all_others_the_standard_lane(minor: int):
    amount = f"{minor // 100}.{minor % 100:02d}"
    assert is_express(request(amount, "USD"), LIMITS) is (minor <= LIMITS["USD"])


def test_the_limit_is_in_the_minor_units_of_its_currency():
    assert is_express(request("7500000", "JPY"), LIMITS)
    assert not is_express(request("7500001", "JPY"), LIMITS)


def test_a_currency_without_a_limit_takes_the_standard_lane():
    assert not is_express(request("1.00", "EUR"), LIMITS)
    assert not is_express(request("1.00", "USD"), {})


@pytest.mark.parametrize("broken", ["", "{", "[]", "null", '{"amount": "1.00"}', "\x00"])
def test_what_cannot_be_read_takes_the_standard_lane(broken: str):
    assert not is_express(broken, LIMITS)


@given(text=st.text())
def test_no_text_stops_the_router(text: str):
    assert is_express(text, LIMITS) is False
