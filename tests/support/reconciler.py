"""A bank's statement that a test writes line by line, and what the reconciler leaves in the database."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from fundline.domain.money import Money
from fundline.platform.database import Database
from fundline.platform.http.client import Answer, CallUnanswered

AT = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)


@dataclass
class WrittenStatement:
    """Stands for the JsonClient to a bank, with the sandbox bank's cursor: only a full page has one behind it."""

    lines: list[dict[str, Any]] = field(default_factory=list)
    is_silent: bool = False
    cursors: list[int] = field(default_factory=list)
    """What was asked for."""

    async def call(self, method: str, path: str, **_: Any) -> Answer:
        if self.is_silent:
            raise CallUnanswered("GET /v1/statement: ReadTimeout")
        query = parse_qs(urlsplit(path).query)
        cursor, limit = int(query["cursor"][0]), int(query["limit"][0])
        self.cursors.append(cursor)
        page = self.lines[cursor : cursor + limit]
        following = str(cursor + limit) if len(page) == limit else None
        return Answer(200, {"payments": page, "nextCursor": following})

    def settled(self, payment_id: UUID, amount: Money, *, transaction_id: str | None = None) -> None:
        line = {"status": "settled", "transactionId": transaction_id or f"t_{payment_id.hex}"}
        self._write(payment_id, amount, line)

    def returned(self, payment_id: UUID, amount: Money) -> None:
        line = {"status": "returned", "transactionId": f"t_{payment_id.hex}", "code": "account_closed"}
        self._write(payment_id, amount, line)

    def declined(self, payment_id: UUID, amount: Money) -> None:
        self._write(payment_id, amount, {"status": "declined", "code": "account_closed"})

    def _write(self, payment_id: UUID, amount: Money, result: dict[str, str]) -> None:
        self.lines.append(
            {
                "paymentId": str(payment_id),
                "amount": amount.text(),
                "currency": amount.currency,
                "reference": "a reference",
                "payeeLast4": "1234",
                "bookedAt": f"2026-11-24T10:00:{len(self.lines):02d}Z",
                **result,
            }
        )


async def cases(database: Database, state: str = "open") -> list[tuple[str, str]]:
    """Kind and subject, oldest first."""
    rows = await database.fetch(
        "select kind, subject from cases where state = $1 order by opened_at, case_id", state
    )
    return [(row["kind"], row["subject"]) for row in rows]


async def audited(database: Database, application_id: UUID) -> list[str]:
    """Actions in the application's stream, in order."""
    rows = await database.fetch(
        "select action from audit_entries where stream = $1 order by sequence",
        f"application:{application_id}",
    )
    return [row["action"] for row in rows]


async def waiting_events(database: Database, application_id: UUID) -> list[str]:
    """Topics of its events in the outbox, in order."""
    rows = await database.fetch("select topic from outbox where key = $1 order by position", application_id)
    return [row["topic"] for row in rows]


async def lose_the_events(database: Database) -> None:
    """As if they had been published and nobody had handled them."""
    await database.execute("delete from outbox")
