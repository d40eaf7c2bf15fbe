import uuid
from datetime import UTC, datetime
from typing import get_args

import orjson
import pytest

from fundline.domain.money import Money
from fundline.services.notification_service.mail_messages import (
    MAILED_STATUSES,
    MailKind,
    mail_facts,
    readable,
)
from fundline.services.notification_service.mails import SUBJECTS, MailRoom
from fundline.services.notification_service.schemas import (
    MailedStatus,
    MailPreferences,
    PreferencesDocument,
)
from fundline.services.notification_service.told import Subject, ToldKind
from fundline.services.notification_service.webhook_messages import LARGEST_BODY_BYTES, webhook_body

AT = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
STOP = "mailto:stop@fundline.example"
ROOM = MailRoom("Fundline <no-reply@fundline.example>", STOP, now=lambda: AT)
ID = uuid.UUID("019a0c1e-6b54-7c3a-9d2f-4b1f0e6a7c11")
ADDRESS = "alice@harborstreet.example"


def subject(business_name: str = "Harbor Street Bakery LLC") -> Subject:
    return Subject(ID, "FL-7K2Q-M9XD-40RTP", "alice", business_name, Money(5_000_000, "USD"))


def facts_of(kind: MailKind, told_about: Subject | None = None) -> str:
    if kind is MailKind.CONFIRM_ADDRESS:
        return orjson.dumps({"code": "7K2Q-M9XD"}).decode()
    if kind is MailKind.ENDPOINT_DISABLED:
        return orjson.dumps({"url": "https://hooks.example.com/<x>", "because": "gone"}).decode()
    return mail_facts(told_about or subject(), reasons=["Too few months."], transaction_id="txn_1")


@pytest.mark.parametrize("kind", MailKind)
def test_every_mail_has_a_subject_a_text_and_an_html_part(kind):
    mail = ROOM.write(kind, facts_of(kind), ADDRESS, ID)
    plain, html = (mail.get_body((form,)).get_content() for form in ("plain", "html"))
    assert mail["subject"] == SUBJECTS[kind].format(tracking_id="FL-7K2Q-M9XD-40RTP")
    assert "{" not in plain + mail["subject"]
    assert html.startswith("<!doctype html>")
    assert mail["to"] == ADDRESS


@pytest.mark.parametrize("kind", MailKind)
def test_the_same_notification_has_the_same_message_id_however_often_it_is_written(kind):
    written = {ROOM.write(kind, facts_of(kind), ADDRESS, ID)["message-id"] for _ in range(3)}
    assert written == {f"<{ID}@fundline.example>"}


@pytest.mark.parametrize("kind", MailKind)
def test_every_mail_but_the_confirmation_says_how_to_get_no_more(kind):
    mail = ROOM.write(kind, facts_of(kind), ADDRESS, ID)
    assert mail["list-unsubscribe"] == (None if kind is MailKind.CONFIRM_ADDRESS else f"<{STOP}>")


def test_what_an_applicant_typed_is_text_in_html_and_stands_in_no_header():
    name = '<script>alert(1)</script>"\r\nBcc: everybody@example.com'
    mail = ROOM.write(MailKind.APPROVED, facts_of(MailKind.APPROVED, subject(name)), ADDRESS, ID)
    assert "<script>" not in mail.get_body(("html",)).get_content()
    assert mail["bcc"] is None
    assert "everybody" not in str(mail).partition("\r\n\r\n")[0]


def test_an_address_with_a_line_break_is_not_written_to():
    with pytest.raises(ValueError, match=r".+"):
        ROOM.write(MailKind.APPROVED, facts_of(MailKind.APPROVED), "alice@example.com\r\nBcc: x@y.z", ID)


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (Money(5_000_000, "USD"), "USD 50,000.00"),
        (Money(100_005, "EUR"), "EUR 1,000.05"),
        (Money(7_500_000, "JPY"), "JPY 7,500,000"),
    ],
)
def test_an_amount_is_readable_with_the_decimals_of_its_currency(amount, text):
    assert readable(amount) == text


def test_metadata_that_makes_a_webhook_too_large_is_left_out():
    body = webhook_body(ToldKind.STATUS_UPDATED, AT, {"sequence": 1, "metadata": {"x": "y" * 30_000}})
    assert len(body) < LARGEST_BODY_BYTES
    assert orjson.loads(body)["data"] == {"sequence": 1, "metadata": {}}


def test_the_statuses_that_can_be_wanted_are_those_that_are_mailed():
    assert set(get_args(MailedStatus)) == {status.value for status in MAILED_STATUSES}
    assert set(MailPreferences().statuses) == set(get_args(MailedStatus))


def test_all_statuses_that_are_mailed_can_be_wanted_by_name():
    """A list of all seven was refused: the limit had stayed at six."""
    every = sorted(get_args(MailedStatus))
    document = PreferencesDocument.model_validate_json(orjson.dumps({"email": {"statuses": every}}))
    assert sorted(document.email.statuses) == every
