import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundline.domain.money import MINOR_UNITS, Money, MoneyError


@given(st.integers(0, 10**15 - 1), st.sampled_from(sorted(MINOR_UNITS)))
def test_what_is_written_is_read_back_exactly(amount_minor, currency):
    money = Money(amount_minor, currency)
    assert Money.parse(money.text(), currency) == money


@given(st.text(max_size=12), st.sampled_from(sorted(MINOR_UNITS)))
def test_any_text_gives_an_amount_or_a_sentence(text, currency):
    try:
        assert Money.parse(text, currency).amount_minor >= 0
    except MoneyError as refusal:
        assert str(refusal)


@pytest.mark.parametrize(
    ("text", "currency"),
    [("-1", "USD"), ("+1", "USD"), ("1e3", "USD"), ("1,000", "USD"), (" 1", "USD"), ("01", "USD"), ("1.", "USD"),
     (".5", "USD"), ("1.005", "USD"), ("1.0", "JPY"), ("NaN", "USD"), ("١", "USD"), ("1\n", "USD"), ("", "USD")],
)  # fmt: skip
def test_only_a_plain_decimal_with_the_currencys_decimals_is_an_amount(text, currency):
    with pytest.raises(MoneyError):
        Money.parse(text, currency)


def test_short_decimals_are_filled_up():
    assert Money.parse("1.5", "USD") == Money(150, "USD")
    assert Money.parse("7", "USD").text() == "7.00"
    assert Money(-5, "USD").text() == "-0.05"
    assert Money(1200, "JPY").text() == "1200"


def test_an_unknown_currency_is_refused():
    with pytest.raises(MoneyError, match="XTS"):
        Money.parse("1", "XTS")
