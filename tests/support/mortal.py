"""A worker that dies where a test wants it to: around each transaction, each commit and each call of the bank."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from fundline.platform.database import Connection, Database
from fundline.services.disbursement_worker.payment_gateway import PaymentGateway


class Killed(BaseException):
    """As kill -9 does it: nothing that catches errors catches this."""


@dataclass
class Fuse:
    """Burns down by one at each step; None burns for ever."""

    left: int | None = None

    def burn(self) -> None:
        if self.left is None:
            return
        if self.left == 0:
            raise Killed
        self.left -= 1


class MortalDatabase(Database):
    def __init__(self, database: Database, fuse: Fuse) -> None:
        super().__init__(database._pool)
        self._fuse = fuse

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        self._fuse.burn()
        async with super().transaction() as connection:
            yield connection
            self._fuse.burn()
        self._fuse.burn()

    async def fetch(self, sql: str, *arguments: Any) -> list[Any]:
        self._fuse.burn()
        found = await super().fetch(sql, *arguments)
        self._fuse.burn()
        return found


class MortalGateway:
    def __init__(self, bank: PaymentGateway, fuse: Fuse) -> None:
        self._bank, self._fuse = bank, fuse

    async def pay(self, order: Any) -> Any:
        return await self._around(self._bank.pay(order))

    async def find(self, payment_id: Any) -> Any:
        return await self._around(self._bank.find(payment_id))

    async def _around(self, call: Any) -> Any:
        try:
            self._fuse.burn()
        except Killed:
            call.close()
            raise
        answer = await call
        self._fuse.burn()
        return answer
