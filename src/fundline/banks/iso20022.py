"""A bank that speaks ISO 20022. How its messages travel is the transport's: HTTP here, files in their own module."""

from typing import Protocol
from uuid import UUID

import orjson

from fundline.banks.bank import BankAnswer, BankAnswerUnexpected, PaymentOrder
from fundline.banks.iso20022_reading import understand
from fundline.banks.iso20022_statement import statement_page
from fundline.banks.iso20022_writing import credit_transfer
from fundline.banks.profile import BankProfile
from fundline.banks.sandbox import BUSY, UNKNOWN, busy
from fundline.banks.statement import StatementPage
from fundline.platform.clock import Clock
from fundline.platform.http.client import CallUnanswered, JsonClient, RawAnswer
from fundline.platform.iso20022 import MEDIA_TYPE

MOST_BOOKINGS = 500
"""Of one page: a message has a limit of bytes."""
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
    """POST a pain.001, GET a pain.002 or camt.054, GET the statement, a camt.053 a page."""

    statement_name = "iso20022-http"

    def __init__(self, client: JsonClient) -> None:
        self._client = client

    async def send(self, payment_id: UUID, message: bytes) -> list[bytes]:
        answer = await self._client.exchange(
            "POST", "/iso20022/credit-transfers", message, {"content-type": MEDIA_TYPE}
        )
        return [_content(answer, f"payment {payment_id}")]

    async def ask(self, payment_id: UUID) -> list[bytes]:
        answer = await self._client.exchange("GET", f"/iso20022/credit-transfers/{payment_id.hex}")
        if answer.status == _NOT_FOUND and _problem(answer) == UNKNOWN:
            return []
        return [_content(answer, f"payment {payment_id}")]

    async def statement(self, cursor: str, limit: int) -> StatementPage:
        most = min(limit, MOST_BOOKINGS)
        answer = await self._client.exchange("GET", f"/iso20022/statement?cursor={cursor}&limit={most}")
        return statement_page(_content(answer, "statement"), "the bank's camt.053")

    async def close(self) -> None:
        await self._client.close()


def _content(answer: RawAnswer, about: str) -> bytes:
    """Raises what an answer means that is not a message."""
    if answer.status == _TOO_MANY or (answer.status >= _SERVER_ERROR and _problem(answer) == BUSY):
        raise busy()
    if answer.status >= _SERVER_ERROR:
        raise CallUnanswered(f"{about}: status {answer.status}")
    if answer.status != _OK or answer.media_type != MEDIA_TYPE:
        raise BankAnswerUnexpected(f"{about}: the bank answered {answer.status} {_problem(answer)}")
    return answer.content


def _problem(answer: RawAnswer) -> str:
    """The type of a problem document; empty when the answer is not a problem document."""
    try:
        read = orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        return ""
    return str(read.get("type", ""))[:100] if isinstance(read, dict) else ""
