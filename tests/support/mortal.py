"""A worker that dies where a test wants it to: around each transaction, each commit and each call of the bank."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from fundline.banks.bank import Bank
from fundline.platform.database import Connection, Database


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


class MortalBank:
    def __init__(self, bank: Bank, fuse: Fuse) -> None:
        self._bank, self._fuse = bank, fuse

    async def pay(self, order: Any) -> Any:
        return await self._around(self._bank.pay(order))

    async def find(self, payment_id: Any) -> Any:
        return await self._around(self._bank.find(payment_id))

    @property
    def statement_name(self) -> str:
        return self._bank.statement_name

    async def statement(self, cursor: str, limit: int) -> Any:
        return await self._around(self._bank.statement(cursor, limit))

    async def close(self) -> None:
        await self._bank.close()

    async def _around(self, call: Any) -> Any:
        try:
            self._fuse.burn()
        except Killed:
            call.close()
            raise
        answer = await call
        self._fuse.burn()
        return answer
