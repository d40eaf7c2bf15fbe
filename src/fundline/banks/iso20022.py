"""A bank that speaks ISO 20022. How its messages travel is the transport's: HTTP here, files in their own module."""

from typing import Protocol
from uuid import UUID

import orjson

from fundline.banks.bank import BankAnswer, BankAnswerUnexpected, PaymentOrder
from fundline.banks.iso20022_reading import understand
from fundline.banks.iso20022_writing import credit_transfer
from fundline.banks.profile import BankProfile
from fundline.banks.sandbox import BUSY, UNKNOWN, SandboxBank, busy
from fundline.banks.statement import StatementPage
from fundline.platform.clock import Clock
from fundline.platform.http.client import CallUnanswered, JsonClient, RawAnswer
from fundline.platform.iso20022 import MEDIA_TYPE

_OK, _NOT_FOUND, _TOO_MANY, _SERVER_ERROR = 200, 404, 429, 500


class Transport(Protocol):
    """Every call raises CallNotSent, CallUnanswered, BankBusy or BankAnswerUnexpected."""

    @property
    def statement_name(self) -> str: ...

    async def send(self, payment_id: UUID, message: bytes) -> list[bytes]:
        """What the bank answers to a pain.001: a message at least."""

    async def ask(self, payment_id: UUID) -> list[bytes]:
        """All messages of the bank about a payment. None: it has never seen it."""

    async def statement(self, cursor: str, limit: int) -> StatementPage:
        """As `Bank.statement`."""

    async def close(self) -> None: ...


class Iso20022Bank:
    def __init__(self, transport: Transport, profile: BankProfile, *, now: Clock) -> None:
        self._transport, self._profile, self._now = transport, profile, now

    @property
    def statement_name(self) -> str:
        return self._transport.statement_name

    async def pay(self, order: PaymentOrder) -> BankAnswer:
        message = credit_transfer(order, self._profile, self._now())
        return understand(order.payment_id, *await self._transport.send(order.payment_id, message))

    async def find(self, payment_id: UUID) -> BankAnswer | None:
        messages = await self._transport.ask(payment_id)
        return understand(payment_id, *messages) if messages else None

    async def statement(self, cursor: str, limit: int) -> StatementPage:
        return await self._transport.statement(cursor, limit)

    async def close(self) -> None:
        await self._transport.close()


class OverHttp:
    """POST a pain.001, GET a pain.002 or camt.054.

    The sandbox bank has no door for camt messages over many payments, so its statement is read in its own words, and
    is the same one as that of `SandboxBank`. A bank with a door for camt.053 gets a method of its own here.
    """

    def __init__(self, client: JsonClient) -> None:
        self._client, self._own_words = client, SandboxBank(client)

    @property
    def statement_name(self) -> str:
        return self._own_words.statement_name

    async def send(self, payment_id: UUID, message: bytes) -> list[bytes]:
        answer = await self._client.exchange(
            "POST", "/iso20022/credit-transfers", message, {"content-type": MEDIA_TYPE}
        )
        return [_content(answer, payment_id)]

    async def ask(self, payment_id: UUID) -> list[bytes]:
        answer = await self._client.exchange("GET", f"/iso20022/credit-transfers/{payment_id.hex}")
        if answer.status == _NOT_FOUND and _problem(answer) == UNKNOWN:
            return []
        return [_content(answer, payment_id)]

    async def statement(self, cursor: str, limit: int) -> StatementPage:
        return await self._own_words.statement(cursor, limit)

    async def close(self) -> None:
        await self._client.close()


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
