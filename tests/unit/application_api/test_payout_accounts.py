import pytest
from pydantic import TypeAdapter, ValidationError

from fundline.records.accounts import PayoutAccount

ACCOUNTS = TypeAdapter(PayoutAccount)


def iban(number: str):
    return ACCOUNTS.validate_python({"type": "iban", "iban": number})


def us(routing: str, number: str):
    return ACCOUNTS.validate_python({"type": "us", "routingNumber": routing, "accountNumber": number})


@pytest.mark.parametrize(
    "number",
    [
        "DE89370400440532013000",
        "GB29NWBK60161331926819",
        "FR1420041010050500013M02606",
        "NL91ABNA0417164300",
        "NO9386011117947",
        "MT84MALT011000012345MTLCAST001S",
    ],
)
def test_a_sound_iban_is_taken_and_shown_as_its_last_four(number):
    assert iban(number).last4 == number[-4:]


@pytest.mark.parametrize(
    "written", ["de89 3704 0044 0532 0130 00", "DE89 3704 0044 0532 0130 00", "DE89370400440532013000"]
)
def test_every_way_to_write_an_iban_is_the_same_account(written):
    assert iban(written).identity == b"iban:DE89370400440532013000"


@pytest.mark.parametrize(
    ("number", "why"),
    [
        ("DE88370400440532013000", "check digits"),
        ("DE8937040044053201300", "one digit short for its country"),
        ("DE893704004405320130000", "one digit long for its country"),
        ("NO93860111179471", "one digit long for its country"),
        ("XX89370400440532013000", "no such country"),
        ("ZZ001234567890123456", "no such country"),
        ("US64SVBKUS6S3300958879", "a country without IBANs"),
        ("GB29NWBK6016133192681X", "a letter where its country has digits"),
        ("DE89３70400440532013000", "a digit of another script"),
        ("DE89370400440532013000; drop", "more than a number"),
    ],
)
def test_what_is_no_iban_is_refused_without_being_repeated(number, why):
    with pytest.raises(ValidationError, match=r"not a valid IBAN|String should") as refused:
        iban(number)
    messages = [problem["msg"] for problem in refused.value.errors()]
    assert messages, why
    assert not any(number in message for message in messages)


@pytest.mark.parametrize("routing", ["021000021", "011401533", "091000019", "122105155"])
def test_a_routing_number_with_its_check_digit_is_taken(routing):
    assert us(routing, "000123456789").last4 == "6789"


@pytest.mark.parametrize(
    ("routing", "number", "sentence"),
    [
        ("021000022", "123456789", "check digit is wrong"),
        ("000000000", "123456789", "check digit is wrong|nine digits"),
        ("12345678", "123456789", "nine digits"),
        ("0210000211", "123456789", "nine digits"),
        ("02100002A", "123456789", "nine digits"),
        ("021000021", "123", "4 to 17 digits"),
        ("021000021", "123456789012345678", "4 to 17 digits"),
        ("021000021", "12345678A", "4 to 17 digits"),
        ("021000021", "1234 5678", "4 to 17 digits"),
        ("021000021", "0000000", "4 to 17 digits"),
    ],
)
def test_what_is_no_us_account_is_refused(routing, number, sentence):
    with pytest.raises(ValidationError, match=sentence):
        us(routing, number)


def test_filling_zeros_make_no_other_us_account():
    assert us("021000021", "0001234567").identity == us("021000021", "1234567").identity
    assert us("021000021", "1234567").identity != us("011401533", "1234567").identity


def with_check_digit(first_eight: str) -> str:
    weighted = sum(w * int(digit) for w, digit in zip((3, 7, 1) * 3, first_eight, strict=False))
    return f"{first_eight}{-weighted % 10}"


ASSIGNED = {*range(13), *range(21, 33), *range(61, 73), 80}


@pytest.mark.parametrize("prefix", range(100))
def test_a_routing_number_begins_with_a_prefix_that_exists(prefix):
    """All hundred: 13 to 20, 33 to 60, 73 to 79 and from 81 on were never assigned, whatever the check digit."""
    number = with_check_digit(f"{prefix:02d}100002")
    if prefix in ASSIGNED:
        assert us(number, "1234567").last4 == "4567"
    else:
        with pytest.raises(ValidationError, match=f"No routing number begins with {prefix:02d}."):
            us(number, "1234567")
