"""Amounts of several currencies count together by their shares of the limits: no split avoids a limit."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundline.domain.exposure import NOTHING_ELSE, Exposure, Shared, is_above, together
from fundline.domain.policy import APPROVED_TOGETHER_UP_TO as LIMITS
from fundline.domain.policy import POLICY_3
from fundline.domain.rules import AutomaticAmount
from support.applicant_facts import CALM, GOOD_SCORE, decide_alone, sound_business
from support.policies import rule_of


def test_the_limit_of_amounts_together_is_that_of_a_single_amount():
    assert rule_of(POLICY_3, AutomaticAmount).approve_up_to == LIMITS


@pytest.mark.parametrize(
    ("amounts", "above"),
    [
        ({"USD": Decimal(250_000)}, False),
        ({"USD": Decimal("250000.01")}, True),
        ({"USD": Decimal(125_000), "EUR": Decimal(112_500)}, False),
        ({"USD": Decimal(125_000), "EUR": Decimal("112500.01")}, True),
        ({"USD": Decimal(62_500), "EUR": Decimal(56_250), "GBP": Decimal(50_000), "JPY": Decimal(9_375_000)}, False),
        ({"USD": Decimal(62_500), "EUR": Decimal(56_250), "GBP": Decimal(50_000), "JPY": Decimal(9_375_001)}, True),
        ({"XAU": Decimal("0.01")}, True),
    ],
)  # fmt: skip
def test_shares_of_several_currencies_make_one_limit(amounts, above):
    assert is_above(amounts, LIMITS) is above


@given(
    st.sampled_from(list(Shared)),
    st.lists(st.tuples(st.sampled_from(list(LIMITS)), st.integers(1, 100)), min_size=1, max_size=20),
)
def test_however_a_whole_limit_is_split_the_next_application_goes_to_a_person(shared, parts):
    """Parts of any currency, together just the limit: one more application is referred, for the right reason."""
    whole = sum(weight for _, weight in parts)
    beside: dict[str, Decimal] = {}
    for currency, weight in parts:
        beside = dict(together(beside, LIMITS[currency] * weight / whole, currency))
    exposure = Exposure(**{shared.value: beside})
    decision = decide_alone(sound_business(), score=GOOD_SCORE, stress=CALM, exposure=exposure)
    assert decision.status == "pending_review"
    assert [reason.code for reason in decision.principal_reasons] == [f"exposure_of_{shared}"]


def test_with_nothing_beside_it_an_application_is_judged_as_before():
    assert together(NOTHING_ELSE.applicant, Decimal(5), "EUR") == {"EUR": Decimal(5)}
    decision = decide_alone(sound_business(), score=GOOD_SCORE, stress=CALM)
    assert decision.status == "approved"
