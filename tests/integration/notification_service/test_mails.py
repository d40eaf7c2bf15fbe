"""Mails over a real SMTP connection."""

from datetime import timedelta

import pytest

from fundline.domain.tracking import tracking_id as tracking_id_of_bits
from fundline.services.notification_service.metrics import NotificationMetrics
from support.notifications import AT, has_confirmed, mail_sink, notifier, until_mails

pytestmark = pytest.mark.integration
PREFERENCES = "/v1/notification-preferences"
ADDRESS = "alice@harborstreet.example"


@pytest.fixture
def wants_mail(headers, database):
    """By an address that was confirmed before."""

    async def put(service, **email):
        await has_confirmed(database, "alice", ADDRESS)
        document = {"email": {"address": ADDRESS, **email}}
        answer = await service.http.put(PREFERENCES, json=document, headers=headers())
        assert answer.status_code == 200, answer.text

    return put


async def test_each_status_that_matters_is_mailed_once_as_text_and_html(
    database, settings, wants_mail, application_id
):
    async with mail_sink() as (mailbox, port), notifier(database, settings(smtp_port=port)) as service:
        await wants_mail(service)
        for sequence, status in enumerate(["processing", "risk_scoring", "approved", "disbursed"], start=1):
            event = await service.status(application_id, status, sequence)
            await service.deliver(event)
        await service.paid(application_id)
        mails = await until_mails(mailbox, 3)
        await service.until_state("delivered", 3)
    tracking_id = tracking_id_of_bits(application_id.int)
    assert [mail.header("subject") for mail in mails] == [
        f"We have received your application {tracking_id}",
        f"Your application {tracking_id} is approved",
        f"The money for {tracking_id} is on its way",
    ]
    for mail in mails:
        assert mail.recipients == (ADDRESS,)
        assert "USD 12,500.00" in mail.part("plain")
        assert "USD 12,500.00" in mail.part("html")
        assert mail.header("auto-submitted") == "auto-generated"
    assert "txn_1" in mails[2].part("plain")


async def test_a_rejection_says_its_principal_reasons(database, settings, wants_mail, application_id):
    reasons = [{"code": "cash_reserves_low", "sentence": "The cash at bank covers too few months."}]
    async with mail_sink() as (mailbox, port), notifier(database, settings(smtp_port=port)) as service:
        await wants_mail(service)
        await service.status(application_id, "rejected", 3, principalReasons=reasons)
        (mail,) = await until_mails(mailbox, 1)
    assert "- The cash at bank covers too few months." in mail.part("plain")
    assert "<li>The cash at bank covers too few months.</li>" in mail.part("html")


async def test_a_payment_that_failed_is_mailed(database, settings, wants_mail, application_id):
    async with mail_sink() as (mailbox, port), notifier(database, settings(smtp_port=port)) as service:
        await wants_mail(service)
        await service.paid(application_id, "failed")
        (mail,) = await until_mails(mailbox, 1)
    assert mail.header("subject").startswith("We could not pay out")


async def test_without_an_address_there_is_no_mail_and_no_error(service, application_id):
    await service.status(application_id, "approved", 3)
    assert await service.rows() == []


async def test_only_the_wanted_statuses_are_mailed(database, settings, wants_mail, application_id):
    async with mail_sink() as (mailbox, port), notifier(database, settings(smtp_port=port)) as service:
        await wants_mail(service, statuses=["approved"])
        await service.status(application_id, "processing", 1)
        await service.status(application_id, "approved", 3)
        (mail,) = await until_mails(mailbox, 1)
        assert len(await service.rows()) == 1
    assert "is approved" in mail.header("subject")


async def test_mails_wait_while_the_mail_server_is_away_and_go_out_when_it_is_back(
    database, settings, wants_mail, application_id
):
    async with mail_sink() as (_, port):
        pass  # a port at which nobody listens now
    async with notifier(database, settings(smtp_port=port)) as service:
        await wants_mail(service)
        await service.status(application_id, "approved", 3)
        await _until_away(service)
        (row,) = await service.rows()
        assert (row["state"], row["attempts"], row["failures"]) == ("waiting", 0, 0)
        async with mail_sink(port) as (mailbox, _):
            await database.execute("update notifications set due_at = now()")
            service.delivering.courier.wake()
            (mail,) = await until_mails(mailbox, 1)
            await service.until_state("delivered")
    assert mail.header("message-id") == f"<{row['notification_id']}@fundline.example>"


async def _until_away(service):
    import asyncio

    away = {"channel": "email", "result": "away"}
    async with asyncio.timeout(60):
        while not service.metrics.registry.get_sample_value("fundline_notification_deliveries_total", away):
            await asyncio.sleep(0.01)


class Refusing:
    """A mail server that answers what it is told to; takes the mail after that."""

    def __init__(self, *answers: str) -> None:
        self.answers, self.ids = list(answers), []

    async def handle_DATA(self, _server, _session, envelope) -> str:  # noqa: N802 - aiosmtpd's name
        from email import message_from_bytes

        self.ids.append(message_from_bytes(envelope.original_content)["message-id"])
        return self.answers.pop(0) if self.answers else "250 OK"


async def test_a_mail_that_is_refused_for_now_goes_again_with_the_same_message_id(
    database, settings, wants_mail, application_id
):
    server = Refusing("451 Try again later")
    async with mail_sink(taker=server) as (_, port), notifier(database, settings(smtp_port=port)) as service:
        await wants_mail(service)
        await service.status(application_id, "approved", 3)
        await service.until_state("delivered")
    assert len(server.ids) == 2
    assert len(set(server.ids)) == 1


async def test_a_mail_that_is_refused_for_good_is_given_up(database, settings, wants_mail, application_id):
    server = Refusing("550 No such mailbox")
    async with mail_sink(taker=server) as (_, port), notifier(database, settings(smtp_port=port)) as service:
        await wants_mail(service)
        await service.status(application_id, "approved", 3)
        (row,) = await service.until_state("failed")
    assert row["attempts"] == 1
    assert len(server.ids) == 1


async def test_who_switches_mail_off_gets_none_of_what_still_waited(
    database, settings, wants_mail, headers, application_id
):
    async with notifier(database, settings()) as service:  # nobody listens at its mail server's port
        await wants_mail(service)
        await service.status(application_id, "approved", 3)
        await _until_away(service)
        await wants_mail(service, enabled=False)
    async with mail_sink() as (mailbox, port), notifier(database, settings(smtp_port=port)) as service:
        await database.execute("update notifications set due_at = now()")
        service.delivering.courier.wake()
        await service.until_state("cancelled")
        assert mailbox.newest_first() == []


async def test_preferences_are_put_as_a_whole_and_read_back(service, headers):
    empty = await service.http.get(PREFERENCES, headers=headers())
    assert empty.json()["email"]["address"] is None
    document = {"email": {"address": ADDRESS, "statuses": ["approved"]}, "webhooks": {"enabled": False}}
    put = await service.http.put(PREFERENCES, json=document, headers=headers())
    assert put.json() == {
        "email": {"address": ADDRESS, "confirmed": False, "enabled": True, "statuses": ["approved"]},
        "webhooks": {"enabled": False},
    }
    assert (await service.http.get(PREFERENCES, headers=headers())).json() == put.json()
    assert (await service.http.get(PREFERENCES, headers=headers("bob"))).json() == empty.json()


@pytest.mark.parametrize(
    "address",
    [
        "alice@example.com\r\nBcc: everybody@example.com",
        "alice@example.com\nX: y",
        "alice@localhost",
        "alice",
        "@example.com",
        "alice@@example.com",
        "alice@exa mple.com",
        "Alice <alice@example.com>",
        "alice@example.com,bob@example.com",
        "a" * 65 + "@example.com",
        "alice@" + "a" * 250 + ".com",
        ".alice@example.com",
        "al..ice@example.com",
        "",
    ],
)
async def test_what_is_no_single_address_is_refused(service, headers, address):
    answer = await service.http.put(PREFERENCES, json={"email": {"address": address}}, headers=headers())
    assert answer.status_code == 422
    assert [error["path"] for error in answer.json()["errors"]] == ["email.address"]


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({"colour": "red"}, "colour"),
        ({"email": {"statuses": ["risk_scoring"]}}, "email.statuses.0"),
        ({"webhooks": {"enabled": "yes"}}, "webhooks.enabled"),
    ],
)
async def test_unknown_fields_and_values_are_refused(service, headers, document, path):
    answer = await service.http.put(PREFERENCES, json=document, headers=headers())
    assert [error["path"] for error in answer.json()["errors"]] == [path]


async def test_no_address_stands_in_the_audit_trail(service, wants_mail, database):
    await wants_mail(service)
    rows = await database.fetch("select t::text as everything from audit_entries t")
    assert rows
    assert not any(ADDRESS in row["everything"] for row in rows)


@pytest.mark.parametrize(("age", "told"), [(timedelta(days=3), True), (timedelta(days=3, seconds=1), False)])
async def test_nobody_is_told_about_the_past(
    database, settings, wants_mail, application_id, headers, age, told
):
    """Seen: events from a mirror, after the inbox was emptied, mailed owners who had switched mail on since."""
    async with (
        mail_sink() as (mailbox, port),
        notifier(
            database, settings(smtp_port=port), told_within=timedelta(days=3), now=lambda: AT + age
        ) as service,
    ):
        await wants_mail(service)
        await service.status(application_id, "approved", 3)
        await service.paid(application_id)
        if told:
            assert len(await until_mails(mailbox, 2)) == 2
        rows = await service.rows()
    assert len(rows) == (2 if told else 0)
    assert service.metrics.of(NotificationMetrics).notifications_too_old._value.get() == (0 if told else 2)
    handled = await database.fetch("select from inbox where consumer = 'notification-service'")
    assert len(handled) == 2, "handled all the same, and not asked again"
