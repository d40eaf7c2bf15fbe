"""Writing mails: text and HTML from templates, headers that nobody can inject into."""

from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from typing import Any
from uuid import UUID

import orjson
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from fundline.platform.clock import Clock, utc_now
from fundline.services.notification_service.mail_messages import MailKind

SUBJECTS = {
    MailKind.RECEIVED: "We have received your application {tracking_id}",
    MailKind.APPROVED: "Your application {tracking_id} is approved",
    MailKind.REJECTED: "About your application {tracking_id}",
    MailKind.REFERRED: "A person is looking at your application {tracking_id}",
    MailKind.PAID: "The money for {tracking_id} is on its way",
    MailKind.PAYMENT_FAILED: "We could not pay out your loan {tracking_id}",
    MailKind.PAYMENT_RETURNED: "The money for your loan {tracking_id} came back to us",
    MailKind.ACCOUNT_NEEDED: "We need another account for your loan {tracking_id}",
    MailKind.ENDPOINT_DISABLED: "Your webhook endpoint was switched off",
    MailKind.CONFIRM_ADDRESS: "Please confirm this address",
}
"""Filled with our own words only: what somebody else typed never stands in a header."""


class MailRoom:
    """`sender` is the From header; its domain is that of the Message-IDs.

    `unsubscribe`: where a mail program takes its reader who wants no more (RFC 2369, section 3.2).
    """

    def __init__(self, sender: str, unsubscribe: str, *, now: Clock = utc_now) -> None:
        name, address = parseaddr(sender)
        self._sender = Address(name, addr_spec=address)
        self._unsubscribe, self._now = unsubscribe, now
        self._templates = Environment(
            loader=PackageLoader("fundline.services.notification_service"),
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )

    def write(self, kind: str, facts: str, address: str, notification_id: UUID) -> EmailMessage:
        """The same notification gives the same Message-ID, however often it is sent."""
        filled: dict[str, Any] = orjson.loads(facts)
        mail = EmailMessage(policy=policy.SMTP)
        subject = SUBJECTS[MailKind(kind)].format(**filled)
        mail["From"] = self._sender
        mail["To"] = Address(addr_spec=address)
        mail["Subject"] = subject
        mail["Date"] = format_datetime(self._now())
        mail["Message-ID"] = f"<{notification_id}@{self._sender.domain}>"
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday reply comes back
        if kind != MailKind.CONFIRM_ADDRESS:  # nobody has subscribed to anything yet
            mail["List-Unsubscribe"] = f"<{self._unsubscribe}>"
        mail.set_content(self._filled(f"{kind}.txt", subject, filled))
        mail.add_alternative(self._filled(f"{kind}.html", subject, filled), subtype="html")
        return mail

    def _filled(self, name: str, subject: str, facts: dict[str, Any]) -> str:
        return self._templates.get_template(name).render(subject=subject, **facts)
