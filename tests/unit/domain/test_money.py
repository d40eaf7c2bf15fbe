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
    with pytest.raises(MoneyError, match=r"plain decimal|decimals; "):
        Money.parse(text, currency)


def test_short_decimals_are_filled_up():
    assert Money.parse("1.5", "USD") == Money(150, "USD")
    assert Money.parse("7", "USD").text() == "7.00"
    assert Money(-5, "USD").text() == "-0.05"
    assert Money(1200, "JPY").text() == "1200"


def test_an_unknown_currency_is_refused():
    with pytest.raises(MoneyError, match=r"^Fundline lends in USD, EUR, GBP, JPY, not in 'XTSXTSXTSX'\.$"):
        Money.parse("1", "XTSXTSXTSXTS")


def test_a_refused_amount_is_repeated_only_as_far_as_it_is_no_flood():
    """Forty characters of it, and ten of a currency."""
    with pytest.raises(MoneyError) as refused:
        Money.parse("x" * 50, "USD")
    assert str(refused.value) == f"An amount is a plain decimal string such as \"1200.50\", not '{'x' * 40}'."
    with pytest.raises(MoneyError) as refused:
        Money.parse("1.005", "USD")
    assert str(refused.value) == "USD has 2 decimals; 1.005 has 3."


@pytest.mark.parametrize(
    ("text", "amount_minor"),
    [("999999999999999", 99_999_999_999_999_900), ("0", 0), ("0.01", 1), ("0.10", 10), ("10.01", 1001)],
)
def test_amounts_at_the_bounds_of_the_form_are_read(text, amount_minor):
    assert Money.parse(text, "USD") == Money(amount_minor, "USD")


@pytest.mark.parametrize("text", ["1000000000000000", "1.0000001"])
def test_an_amount_with_more_digits_than_the_form_has_is_refused(text):
    with pytest.raises(MoneyError, match="plain decimal string"):
        Money.parse(text, "USD")


@pytest.mark.parametrize(
    ("money", "decimal"),
    [(Money(120_050, "USD"), "1200.50"), (Money(-1, "EUR"), "-0.01"), (Money(7, "JPY"), "7")],
)
def test_major_units_are_exact(money, decimal):
    assert str(money.decimal()) == decimal
