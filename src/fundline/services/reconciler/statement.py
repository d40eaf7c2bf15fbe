"""Reading the bank's statement over HTTP, from where the last run stopped, into our own copy of it."""

import hashlib
from datetime import datetime
from typing import Any

import orjson

from fundline.casefile.books import StatementLine
from fundline.domain.money import MoneyError
from fundline.platform.database import Database
from fundline.platform.http.client import CallNotSent, CallUnanswered, JsonClient
from fundline.services.reconciler import bank_store
from fundline.services.reconciler.findings import Unchecked

BANK = "sandbox"
_OK = 200


class Statement:
    """The last page that is not full is read again each time: the bank gives no cursor behind it."""

    def __init__(self, database: Database, bank: JsonClient, *, page: int) -> None:
        self._database, self._bank, self._page = database, bank, page

    async def read_on(self, *, at: datetime, from_the_start: bool) -> None:
        """Each page is kept together with the cursor behind it. Raises Unchecked when the bank does not answer."""
        cursor: str | None = "0" if from_the_start else await bank_store.cursor(self._database, BANK)
        while cursor is not None:
            page = await self._read(cursor)
            try:
                lines = {_hash(line): StatementLine.of(line) for line in page["payments"]}
                cursor = page["nextCursor"]
            except (KeyError, ValueError, TypeError, MoneyError) as error:
                raise Unchecked(
                    f"The bank's statement is not understood ({type(error).__name__})."
                ) from error
            await bank_store.keep_page(self._database, BANK, lines, next_cursor=cursor, at=at)

    async def _read(self, cursor: str) -> dict[str, Any]:
        try:
            answer = await self._bank.call("GET", f"/v1/statement?cursor={cursor}&limit={self._page}")
        except (CallNotSent, CallUnanswered) as silence:
            raise Unchecked(f"The bank does not give its statement: {silence}.") from silence
        if answer.status != _OK:
            raise Unchecked(f"The bank does not give its statement: status {answer.status}.")
        return answer.body


def _hash(line: dict[str, Any]) -> bytes:
    """Of the line as the bank wrote it: a changed one is another line."""
    return hashlib.sha256(orjson.dumps(line, option=orjson.OPT_SORT_KEYS)).digest()
