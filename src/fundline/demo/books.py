"""Reads what the checks compare: our database in one snapshot, and the bank's own statement over HTTP."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from uuid import UUID

import httpx

from fundline.domain.application import ApplicationStatus
from fundline.domain.disbursement import DisbursementState
from fundline.domain.money import Money
from fundline.platform.database import Database

STATEMENT_PAGE = 1000
STATEMENT_TIMEOUT_S = 10.0

SNAPSHOT = "set transaction isolation level repeatable read, read only"
UNBALANCED_TRANSFERS = """
select count(distinct t.transfer_id) from ledger_transfers t left join lateral (
    select p.currency, sum(p.amount_minor) as total_minor from ledger_postings p
    where p.transfer_id = t.transfer_id group by p.currency) sums on true
where sums.currency is null or sums.total_minor <> 0
"""
BALANCES = """
select t.payment_id, p.account, p.currency, sum(p.amount_minor)::bigint as balance_minor
from ledger_postings p join ledger_transfers t using (transfer_id) group by 1, 2, 3
"""
TRANSFERS = "select count(*) from ledger_transfers"
POSTINGS = "select count(*) from ledger_postings"
PAYMENTS = """
select payment_id, application_id, amount_minor, currency, state, transaction_id from disbursements
"""
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
class Payment:
    """A disbursement as our database has it."""

    payment_id: UUID
    application_id: UUID
    amount: Money
    state: DisbursementState
    transaction_id: str | None


@dataclass(frozen=True, slots=True)
class StatementLine:
    """A booking as the bank has it; `transaction_id` only when it paid."""

    payment_id: UUID
    is_paid: bool
    amount: Money
    transaction_id: str | None
    reference: str


@dataclass(frozen=True, slots=True)
class LedgerKey:
    """One payment's part of an account, in one currency."""

    payment_id: UUID
    account: str
    currency: str


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
    applications: Mapping[UUID, ApplicationState] = field(default_factory=dict)

    def account_balances(self) -> dict[tuple[str, str], int]:
        """Minor units by account and currency."""
        sums: Counter[tuple[str, str]] = Counter()
        for key, balance_minor in self.balances.items():
            sums[key.account, key.currency] += balance_minor
        return dict(sums)


async def read_books(database: Database, applicants: Collection[str] | None = None) -> Books:
    """One repeatable-read snapshot. `applicants`: read only their applications; None: everybody's."""
    async with database.transaction() as connection:
        await connection.execute(SNAPSHOT)
        unbalanced = await connection.fetchval(UNBALANCED_TRANSFERS)
        transfers = await connection.fetchval(TRANSFERS)
        postings = await connection.fetchval(POSTINGS)
        balances = await connection.fetch(BALANCES)
        payments = await connection.fetch(PAYMENTS)
        applications = await connection.fetch(APPLICATIONS, None if applicants is None else list(applicants))
    return Books(
        unbalanced,
        transfers,
        postings,
        {
            LedgerKey(row["payment_id"], row["account"], row["currency"]): row["balance_minor"]
            for row in balances
        },
        tuple(
            Payment(
                row["payment_id"],
                row["application_id"],
                Money(row["amount_minor"], row["currency"]),
                DisbursementState(row["state"]),
                row["transaction_id"],
            )
            for row in payments
        ),
        {
            row["application_id"]: ApplicationState(ApplicationStatus(row["status"]), row["status_sequence"])
            for row in applications
        },
    )


async def read_statement(
    bank_url: str, transport: httpx.AsyncBaseTransport | None = None
) -> list[StatementLine]:
    """Every booking of the bank, oldest first. Raises httpx.HTTPError when the bank does not answer."""
    lines: list[StatementLine] = []
    cursor: str | None = "0"
    async with httpx.AsyncClient(
        base_url=bank_url, timeout=STATEMENT_TIMEOUT_S, trust_env=False, transport=transport
    ) as bank:
        while cursor is not None:
            answer = await bank.get("/v1/statement", params={"cursor": cursor, "limit": STATEMENT_PAGE})
            page = answer.raise_for_status().json()
            for line in page["payments"]:
                amount = Money.parse(line["amount"], line["currency"])
                is_paid = line["status"] == "settled"
                lines.append(
                    StatementLine(
                        UUID(line["paymentId"]), is_paid, amount, line.get("transactionId"), line["reference"]
                    )
                )
            cursor = page["nextCursor"]
    return lines


@dataclass(frozen=True, slots=True)
class ReasonCount:
    code: str
    sentence: str
    times: int


async def read_reasons(database: Database, applicants: Collection[str]) -> list[ReasonCount]:
    """Principal reasons of what was rejected or referred, the most frequent first."""
    rows = await database.fetch(REASONS, list(applicants))
    return [ReasonCount(row["code"], row["sentence"], row["times"]) for row in rows]
