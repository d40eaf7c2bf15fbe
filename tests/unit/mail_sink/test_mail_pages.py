from email.message import EmailMessage

import httpx
import pytest

from fundline.outside.mail_sink.mailbox import Mailbox
from fundline.outside.mail_sink.routes import Pages
from fundline.platform.http.api import api


def mail(subject: str = "Hello") -> bytes:
    message = EmailMessage()
    message["Subject"] = subject
    message["From"] = "Fundline <no-reply@fundline.example>"
    message.set_content("In plain words.")
    message.add_alternative("<p>In <b>HTML</b>.</p><script>alert(1)</script>", subtype="html")
    return message.as_bytes()


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox(3)


@pytest.fixture
def browser(mailbox):
    transport = httpx.ASGITransport(app=api(Pages(mailbox).all()))
    return httpx.AsyncClient(transport=transport, base_url="http://sink")


async def test_a_mail_is_shown_as_text_and_as_html_in_a_frame_that_may_do_nothing(mailbox, browser):
    mailbox.put(mail(), ("alice@example.com",))
    page = await browser.get("/mails/1")
    assert "In plain words." in page.text
    assert '<iframe sandbox title="The mail\'s HTML part" src="/mails/1/html">' in page.text
    assert "script" not in page.text
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    html = await browser.get("/mails/1/html")
    assert "<b>HTML</b>" in html.text
    assert html.headers["content-security-policy"].startswith("sandbox; default-src 'none'")


async def test_what_a_mail_says_is_text_on_the_pages(mailbox, browser):
    mailbox.put(mail("<img src=x onerror=alert(1)>"), ("<b>@example.com",))
    for path in ("/", "/mails/1"):
        page = await browser.get(path)
        assert "<img" not in page.text
        assert "<b>@" not in page.text


async def test_only_the_newest_mails_are_kept_and_listed_newest_first(mailbox, browser):
    for number in range(1, 6):
        mailbox.put(mail(f"Mail {number}"), ("alice@example.com",))
    listed = (await browser.get("/mails")).json()["items"]
    assert [kept["subject"] for kept in listed] == ["Mail 5", "Mail 4", "Mail 3"]
    assert (await browser.get("/mails/5/json")).json()["text"] == "In plain words.\n"


async def test_a_mail_that_is_not_kept_is_not_found(browser):
    assert (await browser.get("/mails/1")).status_code == 404
