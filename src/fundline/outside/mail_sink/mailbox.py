"""The mails that came, newest last; only so many are kept."""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage

from fundline.platform.clock import Clock, utc_now


@dataclass(frozen=True, slots=True)
class KeptMail:
    """`number` counts from 1 since the sink started."""

    number: int
    received_at: datetime
    recipients: tuple[str, ...]
    message: EmailMessage

    def header(self, name: str) -> str:
        return str(self.message.get(name, ""))

    def part(self, kind: str) -> str:
        """`plain` or `html`; empty when the mail has no such part."""
        body = self.message.get_body((kind,))
        return "" if body is None else str(body.get_content())


class Mailbox:
    def __init__(self, kept: int, *, now: Clock = utc_now) -> None:
        self._kept, self._now = kept, now
        self._mails: OrderedDict[int, KeptMail] = OrderedDict()
        self._count = 0

    def put(self, content: bytes, recipients: tuple[str, ...]) -> KeptMail:
        self._count += 1
        message = message_from_bytes(content, policy=policy.default)
        mail = KeptMail(self._count, self._now(), recipients, message)
        self._mails[mail.number] = mail
        while len(self._mails) > self._kept:
            self._mails.popitem(last=False)
        return mail

    def newest_first(self) -> list[KeptMail]:
        return list(reversed(self._mails.values()))

    def find(self, number: int) -> KeptMail | None:
        return self._mails.get(number)
