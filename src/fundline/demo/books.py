"""Reads what the checks compare: our database in one snapshot, and the bank's own statement."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from fundline.banks.bank import BankAnswerUnexpected, BankBusy
from fundline.banks.opening import open_sandbox
from fundline.banks.statement import HasStatement, whole_statement
from fundline.domain.application import ApplicationStatus
from fundline.platform.database import Database
from fundline.platform.http.client import CallNotSent, CallUnanswered
from fundline.platform.refusals import Unavailable
from fundline.records.books import (
    SNAPSHOT,
    BookedPayments,
    LedgerKey,
    Payment,
    StatementLine,
    read_booked_payments,
)
from fundline.records.ledger_views import unbalanced_transfers

STATEMENT_TIMEOUT_S = 10.0

TRANSFERS = "select count(*) from ledger_transfers"
POSTINGS = "select count(*) from ledger_postings"
APPLICATIONS = """
select application_id, status, status_sequence from applications
where $1::text[] is null or user_id = any($1)
"""
REASONS = """
select reason ->> 'code' as code, reason ->> 'sentence' as sentence, count(*) as times
from risk_assessments a join applications using (application_id), jsonb_array_elements(a.principal_reasons) reason
where a.verdict <> 'approved' and user_id = any($1) group by 1, 2 order by times desc, code
"""


@dataclass(frozen=True, slots=True)
class ApplicationState:
    status: ApplicationStatus
    sequence: int


@dataclass(frozen=True, slots=True)
class Books:
    """Our side at one moment. `balances` are minor units, debit positive; `applications` are those asked for."""

    unbalanced_transfers: int = 0
    transfers: int = 0
    postings: int = 0
    balances: Mapping[LedgerKey, int] = field(default_factory=dict)
    payments: tuple[Payment, ...] = ()
    corrected: frozenset[UUID] = frozenset()
    """Payments with a transfer that two people have corrected."""
    applications: Mapping[UUID, ApplicationState] = field(default_factory=dict)

    def booked(self) -> BookedPayments:
        return BookedPayments(self.payments, self.balances, self.corrected)

    def account_balances(self) -> dict[tuple[str, str], int]:
        """Minor units by account and currency."""
        sums: Counter[tuple[str, str]] = Counter()
        for key, balance_minor in self.balances.items():
            sums[key.account, key.currency] += balance_minor
        return dict(sums)


async def read_books(database: Database, applicants: Collection[str] | None = None) -> Books:
    """One repeatable-read snapshot. `applicants`: read only their applications; None: everybody's."""
    payments: list[Payment] = []
    balances: dict[LedgerKey, int] = {}
    corrected: set[UUID] = set()
    async with database.transaction() as connection:
        await connection.execute(SNAPSHOT)
        unbalanced = await unbalanced_transfers(connection)
        transfers = await connection.fetchval(TRANSFERS)
        postings = await connection.fetchval(POSTINGS)
        async for page in read_booked_payments(connection):
            payments += page.payments
            balances |= page.balances
            corrected |= page.corrected
        applications = await connection.fetch(APPLICATIONS, None if applicants is None else list(applicants))
    return Books(
        len(unbalanced),
        transfers,
        postings,
        balances,
        tuple(payments),
        frozenset(corrected),
        {
            row["application_id"]: ApplicationState(ApplicationStatus(row["status"]), row["status_sequence"])
            for row in applications
        },
    )


class StatementUnread(Unavailable):
    """The bank does not give its statement, or gives one that is not understood."""


async def read_statement(bank: HasStatement) -> list[StatementLine]:
    """Every booking of the bank, oldest first. Raises StatementUnread."""
    try:
        return [booking.line async for booking in whole_statement(bank)]
    except (CallNotSent, CallUnanswered, BankBusy, BankAnswerUnexpected) as error:
        raise StatementUnread(f"The bank's statement cannot be read: {error}.") from error


async def read_statement_of(bank_url: str) -> list[StatementLine]:
    """Of the sandbox bank there, in its own words, however payments go to it. Raises StatementUnread."""
    bank = open_sandbox(bank_url, timeout_s=STATEMENT_TIMEOUT_S)
    try:
        return await read_statement(bank)
    finally:
        await bank.close()


@dataclass(frozen=True, slots=True)
class ReasonCount:
    code: str
    sentence: str
    times: int


async def read_reasons(database: Database, applicants: Collection[str]) -> list[ReasonCount]:
    """Principal reasons of what was rejected or referred, the most frequent first."""
    rows = await database.fetch(REASONS, list(applicants))
    return [ReasonCount(row["code"], row["sentence"], row["times"]) for row in rows]
