"""What a bank wants of our orders, by setting: version, charges, day, and the payee's name.

Every order named nobody, said SHAR, and was to be executed on the day of UTC, also on Christmas.
"""

import itertools
import re
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundline.banks.bank import PaymentOrder
from fundline.banks.business_days import BusinessDays
from fundline.banks.iso20022_writing import LONGEST_NAME, credit_transfer
from fundline.banks.latin import basic_latin
from fundline.banks.profile import profile_of
from fundline.banks.settings import BankSettings
from fundline.domain.money import Money
from fundline.outside.bank_sandbox.iso_messages import read_credit_transfer
from fundline.platform.iso20022 import CREDIT_TRANSFERS

PAYMENT = UUID("01a20853-4432-72b9-b0b1-e353e0d43fd9")
AT = datetime(2026, 11, 24, 10, 15, tzinfo=UTC)
US = {"type": "us", "routingNumber": "021000021", "accountNumber": "998877665544"}
GERMAN, BRITISH, EMIRATI = (
    {"type": "iban", "iban": iban}
    for iban in ("DE75512108001245126199", "GB82WEST12345698765432", "AE070331234567890123456")
)
VERSIONS = ["pain.001.001.09", "pain.001.001.03"]


def settings(**changes) -> BankSettings:
    return BankSettings(instance="test", bank_url="http://bank.example", **changes)


def order_to(payee, amount: Money, *, name="Harbor Street Bakery LLC", at=AT, **changes) -> str:
    order = PaymentOrder(PAYMENT, amount, payee, "a loan", name)
    return credit_transfer(order, profile_of(settings(**changes)), at).decode()


@pytest.mark.parametrize(
    ("zone", "calendar", "at", "day"),
    [
        ("Europe/Berlin", "XECB", "2026-11-24T22:59:59", "2026-11-24"),
        ("Europe/Berlin", "XECB", "2026-11-24T23:00:00", "2026-11-25"),  # a new day in Berlin
        ("Europe/Berlin", "XECB", "2026-07-01T21:59:59", "2026-07-01"),
        ("Europe/Berlin", "XECB", "2026-07-01T22:00:00", "2026-07-02"),  # and in summer an hour earlier
        ("Europe/Berlin", "XECB", "2026-11-27T23:30:00", "2026-11-30"),  # a Saturday there
        ("Europe/Berlin", "XECB", "2026-12-24T23:00:00", "2026-12-28"),  # Christmas, and then a week-end
        ("Europe/Berlin", "XECB", "2026-04-02T22:00:00", "2026-04-07"),  # Good Friday to Easter Monday
        ("America/New_York", "XFED", "2026-11-26T12:00:00", "2026-11-27"),  # Thanksgiving
        ("America/New_York", "XFED", "2026-11-25T04:59:00", "2026-11-24"),
        ("Asia/Tokyo", "JP", "2026-11-22T15:00:00", "2026-11-24"),  # Labour Thanksgiving, a Monday
    ],
)
def test_an_order_is_to_be_executed_on_the_banks_own_business_day(zone, calendar, at, day):
    moment = datetime.fromisoformat(at).replace(tzinfo=UTC)
    assert BusinessDays(zone, calendar).first_from(moment) == date.fromisoformat(day)
    xml = order_to(GERMAN, Money(100, "EUR"), at=moment, bank_time_zone=zone, bank_calendar=calendar)
    assert f"<ReqdExctnDt><Dt>{day}</Dt></ReqdExctnDt>" in xml


@given(st.integers(min_value=0, max_value=9 * 366 * 24 * 60))
def test_whatever_the_moment_the_day_is_a_working_day_of_the_bank_and_never_before_it(minutes):
    at = AT + timedelta(minutes=minutes)
    days = BusinessDays("Europe/Berlin", "XECB")
    day = days.first_from(at)
    assert day.weekday() < 5
    assert timedelta() <= day - (at + timedelta(hours=1)).date() <= timedelta(days=5)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"bank_time_zone": "Europe/Atlantis"}, "FUNDLINE_BANK_TIME_ZONE"),
        ({"bank_time_zone": "../../etc/passwd"}, "FUNDLINE_BANK_TIME_ZONE"),
        ({"bank_calendar": "XXXX"}, "FUNDLINE_BANK_CALENDAR"),
        ({"bank_debtor_bic": "COBA"}, "FUNDLINE_BANK_DEBTOR_BIC"),
    ],
)
def test_a_profile_that_no_bank_can_have_is_refused_at_the_start(changes, named):
    with pytest.raises(ValueError, match=named):
        profile_of(settings(**changes))


@pytest.mark.parametrize(
    ("payee", "currency", "is_sepa"),
    [
        (GERMAN, "EUR", True),
        (BRITISH, "EUR", True),  # the United Kingdom is in SEPA, and not in the EU
        (EMIRATI, "EUR", False),
        (GERMAN, "USD", False),
        (BRITISH, "GBP", False),
        (US, "USD", False),
    ],
)
@pytest.mark.parametrize("bearer", ["SHAR", "DEBT", "CRED"])
def test_within_sepa_each_bears_its_own_charges_and_elsewhere_who_the_profile_says(
    payee, currency, is_sepa, bearer
):
    xml = order_to(payee, Money(10_000, currency), bank_charge_bearer=bearer)
    assert re.findall(r"<ChrgBr>(.*?)</ChrgBr>", xml) == ["SLEV" if is_sepa else bearer]
    assert ("<SvcLvl><Cd>SEPA</Cd></SvcLvl>" in xml) == is_sepa


@pytest.mark.parametrize(
    ("version", "bearer", "payee", "currency"),
    list(itertools.product(VERSIONS, ["SHAR", "DEBT"], [US, GERMAN, EMIRATI], ["USD", "EUR"])),
)
def test_in_every_version_the_bank_reads_the_order_that_we_wrote(version, bearer, payee, currency):
    amount = Money(120_050, currency)
    xml = order_to(payee, amount, bank_message_version=version, bank_charge_bearer=bearer)
    assert f"urn:iso:std:iso:20022:tech:xsd:{version}" in xml
    assert ("<BIC>" in xml) == (version == "pain.001.001.03")
    payment_id, read = read_credit_transfer(xml.encode())
    assert (payment_id, read.amount, read.currency) == (PAYMENT, "1200.50", currency)
    assert read.payee.model_dump(by_alias=True) == payee


def test_every_version_that_the_bank_reads_can_be_chosen():
    assert [kind.value for kind in CREDIT_TRANSFERS] == VERSIONS


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("Harbor Street Bakery LLC", "Harbor Street Bakery LLC"),
        ("Bäckerei Größe & Söhne GmbH", "Backerei Grosse + Sohne GmbH"),
        ("Œuvres d’Ærø — Łódź", "OEuvres d'AEro - Lodz"),
        ("株式会社 Tokyo", ".... Tokyo"),
        ("Smith [Holdings] *NY*", "Smith .Holdings. .NY."),
        ("x" * 71, "x" * 70),
        ("y" * 69 + " z", "y" * 69),
        ("ﬁsh", "fish"),
        ("\u0301", "."),
    ],
)
def test_the_payee_is_named_in_letters_that_every_bank_reads(name, written):
    assert basic_latin(name, LONGEST_NAME) == written
    xml = order_to(GERMAN, Money(100, "EUR"), name=name)
    assert f"<Cdtr><Nm>{written}</Nm></Cdtr>" in xml


@given(st.text(max_size=200))
def test_whatever_the_name_the_message_is_one_that_a_bank_takes(name):
    written = basic_latin(name, LONGEST_NAME)
    assert re.fullmatch(
        r"[A-Za-z0-9/\-?:().,'+]([A-Za-z0-9/\-?:().,'+ ]{0,68}[A-Za-z0-9/\-?:().,'+])?", written
    )
