"""A bank that speaks ISO 20022, over HTTP or by files in shared folders."""

import asyncio
from pathlib import Path
from typing import Protocol
from uuid import UUID

import orjson

from fundline.platform.clock import Clock
from fundline.platform.http.client import CallNotSent, CallUnanswered, HttpClient, RawAnswer
from fundline.platform.iso20022 import MEDIA_TYPE
from fundline.services.disbursement_worker.iso20022_messages import Debtor, credit_transfer, understand
from fundline.services.disbursement_worker.payment_gateway import (
    BankAnswer,
    BankAnswerUnexpected,
    PaymentOrder,
)
from fundline.services.disbursement_worker.sandbox_bank import BUSY, UNKNOWN, busy

_OK, _NOT_FOUND, _TOO_MANY, _SERVER_ERROR = 200, 404, 429, 500
_LOOK_EVERY_S = 0.05


class Transport(Protocol):
    """Both raise CallNotSent, CallUnanswered, BankBusy or BankAnswerUnexpected."""

    async def send(self, payment_id: UUID, message: bytes) -> bytes:
        """The bank's answer to a pain.001."""

    async def ask(self, payment_id: UUID) -> bytes | None:
        """The bank's last word on a payment. None: it has never seen it."""


class Iso20022Bank:
    def __init__(self, transport: Transport, debtor: Debtor, *, now: Clock) -> None:
        self._transport, self._debtor, self._now = transport, debtor, now

    async def pay(self, order: PaymentOrder) -> BankAnswer:
        message = credit_transfer(order, self._debtor, self._now())
        return understand(await self._transport.send(order.payment_id, message), order.payment_id)

    async def find(self, payment_id: UUID) -> BankAnswer | None:
        word = await self._transport.ask(payment_id)
        return None if word is None else understand(word, payment_id)


class OverHttp:
    """POST a pain.001, GET a pain.002 or camt.054."""

    def __init__(self, client: HttpClient) -> None:
        self._client = client

    async def send(self, payment_id: UUID, message: bytes) -> bytes:
        answer = await self._client.exchange(
            "POST", "/iso20022/credit-transfers", message, {"content-type": MEDIA_TYPE}
        )
        return _content(answer, payment_id)

    async def ask(self, payment_id: UUID) -> bytes | None:
        answer = await self._client.exchange("GET", f"/iso20022/credit-transfers/{payment_id.hex}")
        if answer.status == _NOT_FOUND and _problem(answer) == UNKNOWN:
            return None
        return _content(answer, payment_id)


class ByFiles:
    """`to-bank` is ours to fill, `from-bank` the bank's. The bank takes a file by moving it to `taken`: so we know."""

    def __init__(self, folder: Path, *, timeout_s: float) -> None:
        self._to_bank, self._from_bank, self._taken = (
            folder / "to-bank",
            folder / "from-bank",
            folder / "taken",
        )
        self._timeout_s = timeout_s

    async def send(self, payment_id: UUID, message: bytes) -> bytes:
        file = self._to_bank / _name(payment_id)
        draft = file.with_name(f".{file.name}")
        try:
            draft.touch(mode=0o600)  # it holds an account number
            draft.write_bytes(message)
            draft.rename(file)
        except OSError as error:
            raise CallNotSent(f"the folder for the bank cannot be written: {error.strerror}") from error
        for _ in range(max(1, int(self._timeout_s / _LOOK_EVERY_S))):
            if (word := self._last_word(payment_id)) is not None:
                return word
            await asyncio.sleep(_LOOK_EVERY_S)
        try:
            file.unlink()
        except FileNotFoundError:
            raise CallUnanswered("the bank has taken the file and not answered") from None
        raise CallNotSent("the bank has not taken the file; it was withdrawn")

    async def ask(self, payment_id: UUID) -> bytes | None:
        if (word := self._last_word(payment_id)) is not None:
            return word
        for folder in (self._to_bank, self._taken):
            if (folder / _name(payment_id)).exists():
                raise CallUnanswered(f"the file is in {folder.name}, and the bank has not answered")
        return self._last_word(payment_id)  # the bank may have answered while we looked

    def _last_word(self, payment_id: UUID) -> bytes | None:
        for kind in ("camt.054", "pain.002"):
            try:
                return (self._from_bank / f"{payment_id.hex}.{kind}.xml").read_bytes()
            except FileNotFoundError:
                continue
        return None


def _name(payment_id: UUID) -> str:
    return f"{payment_id.hex}.pain.001.xml"


def _content(answer: RawAnswer, payment_id: UUID) -> bytes:
    """Raises what an answer means that is not a message."""
    if answer.status == _TOO_MANY or (answer.status >= _SERVER_ERROR and _problem(answer) == BUSY):
        raise busy()
    if answer.status >= _SERVER_ERROR:
        raise CallUnanswered(f"payment {payment_id}: status {answer.status}")
    if answer.status != _OK or answer.media_type != MEDIA_TYPE:
        raise BankAnswerUnexpected(
            f"payment {payment_id}: the bank answered {answer.status} {_problem(answer)}"
        )
    return answer.content


def _problem(answer: RawAnswer) -> str:
    """The type of a problem document; empty when the answer is not a problem document."""
    try:
        read = orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        return ""
    return str(read.get("type", ""))[:100] if isinstance(read, dict) else ""
