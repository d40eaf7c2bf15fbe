"""Handing mails over to a mail server. The one home of aiosmtplib."""

import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Literal

import aiosmtplib

Security = Literal["starttls", "tls", "none"]
_FINAL = range(500, 600)
_ABOUT_THIS_MAIL = (
    aiosmtplib.SMTPRecipientsRefused,
    aiosmtplib.SMTPSenderRefused,
    aiosmtplib.SMTPDataError,
    aiosmtplib.SMTPResponseException,
)


class MailServerAway(Exception):
    """The server does not answer, or does not let us in: it says nothing about this mail."""


class MailRejected(Exception):
    """The server does not take this mail. `is_final`: a repetition cannot help (5yz of RFC 5321)."""

    def __init__(self, code: int) -> None:
        super().__init__(f"The mail server answered {code}.")
        self.code = code
        self.is_final = code in _FINAL


@dataclass(frozen=True, slots=True)
class MailServer:
    """A connection per mail: few are sent, and a kept one may have been closed by the other side unseen.

    `trust` stands in for the system's authorities.
    """

    host: str
    port: int
    security: Security
    timeout_s: float
    user: str = ""
    password: str = ""
    trust: ssl.SSLContext | None = None

    async def send(self, mail: EmailMessage) -> None:
        """Raises MailServerAway or MailRejected. After a lost answer the server may have taken the mail."""
        server = aiosmtplib.SMTP(
            hostname=self.host,
            port=self.port,
            use_tls=self.security == "tls",
            start_tls=self.security == "starttls",
            tls_context=self.trust,
            timeout=self.timeout_s,
        )
        try:
            await server.connect()
            if self.user:
                await server.login(self.user, self.password)
        except (aiosmtplib.SMTPException, OSError) as error:
            server.close()
            raise MailServerAway(f"The mail server lets nobody in: {type(error).__name__}.") from error
        try:
            await server.send_message(mail)
        except _ABOUT_THIS_MAIL as refused:
            raise MailRejected(_code(refused)) from refused
        except (aiosmtplib.SMTPException, OSError) as error:
            raise MailServerAway(f"The mail server broke off: {type(error).__name__}.") from error
        finally:
            server.close()


def _code(refused: aiosmtplib.SMTPException) -> int:
    if isinstance(refused, aiosmtplib.SMTPRecipientsRefused):
        return refused.recipients[0].code
    return int(getattr(refused, "code", 500))
