"""Codes that confirm an address: sent there, sent back by whoever named it. Until then nothing else is sent there.

Somebody who names a stranger's address costs the stranger a few mails a day at most, whoever and how many ask.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from fundline.domain.tracking import ALPHABET
from fundline.platform.clock import NewId
from fundline.platform.database import Connection
from fundline.platform.refusals import FieldError, InvalidRequest, Kind, Refusal
from fundline.services.notification_service import address_store, announcement_store
from fundline.services.notification_service.announcement_store import NewNotification
from fundline.services.notification_service.mail_channel import MailChannel, notice_to
from fundline.services.notification_service.mail_messages import MailKind

NewCode = Callable[[], str]
LENGTH = 8
VALID_FOR = timedelta(hours=24)
MOST_TRIES = 10
MOST_SENT = 5
WINDOW = timedelta(hours=24)
"""At most `MOST_SENT` codes go to one address within this time."""
_LOOKALIKES = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None})


class TooManyCodes(Refusal):
    kind = Kind.TOO_MANY
    code = "confirmation-quota-exceeded"
    title = "Too many confirmations were sent to this address"

    def __init__(self) -> None:
        super().__init__(
            f"At most {MOST_SENT} confirmations go to one address within a day. Nothing was stored.",
            retry_after_s=int(WINDOW.total_seconds()),
        )


class CodeRefused(InvalidRequest):
    def __init__(self) -> None:
        why = "This is not the code that was sent last, or its time is over; put the address once more for a new one."
        super().__init__("The request was refused and nothing was stored.", errors=[FieldError("code", why)])


def new_code() -> str:
    """40 random bits, to be read and typed by a person."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


async def send_code(
    connection: Connection, subscriber: str, address: str, *, code: str, at: datetime, fresh_id: NewId
) -> None:
    """In the transaction that stores the address. Raises TooManyCodes."""
    if await address_store.sent_lately(connection, address, at - WINDOW) >= MOST_SENT:
        raise TooManyCodes
    sent = address_store.SentCode(fresh_id(), subscriber, address, _digest(subscriber, address, code), at)
    await address_store.add(connection, sent)
    letter = notice_to(subscriber, MailKind.CONFIRM_ADDRESS, {"code": f"{code[:4]}-{code[4:]}"})
    mail = NewNotification(fresh_id(), sent.code_id, MailChannel.name, letter)
    await announcement_store.add(connection, mail, at)


def is_right(tried: Any, subscriber: str, code: str, at: datetime) -> bool:
    """`tried`: the row of the last code, with this try counted."""
    if tried["tries"] > MOST_TRIES or at - tried["sent_at"] > VALID_FOR:
        return False
    written = code.upper().translate(_LOOKALIKES)
    return hmac.compare_digest(tried["digest"], _digest(subscriber, tried["address"], written))


def _digest(subscriber: str, address: str, code: str) -> bytes:
    return hashlib.sha256(f"{subscriber}\0{address}\0{code}".encode()).digest()
