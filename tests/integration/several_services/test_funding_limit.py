"""A lender pays no more than it has committed: what is beyond waits, and goes on when there is more.

The books once stood at minus 40 million with nothing committed.
"""

import asyncio
from uuid import UUID

import asyncpg
import pytest

from fundline.domain.money import Money
from fundline.domain.payment import PaymentState
from fundline.platform.clock import new_id, utc_now
from fundline.platform.database import Database
from fundline.platform.refusals import InvalidRequest
from fundline.records.funding import FundsShort
from fundline.records.ledger import book_payment
from fundline.records.ledger_views import verify
from fundline.services.operations_api.four_eyes import SecondPersonNeeded
from fundline.services.operations_api.funding.deeds import CommitmentConflict, CommitmentNotFound, Funding
from fundline.services.operations_api.funding.schemas import (
    CommitmentDecision,
    CommitmentQuery,
    CommitmentRequest,
)
from support.approved_applications import AMOUNT, payment_requested, store_application
from support.funding import OLGA, OTTO, agreed
from support.payment import TestedWorker, disbursement
from support.writes import once

pytestmark = pytest.mark.integration
FACILITY = 1_000_000_000


def change(amount: str, how: str = "raise", **others: str) -> CommitmentRequest:
    said = {"account": "lender_funding", "currency": "USD", "amount": amount, "change": how}
    return CommitmentRequest(**(said | {"reason": "Letter of the lender."} | others))


async def leave(database: Database, amount: Money) -> Funding:
    """So much is left to be drawn."""
    funding = Funding(database)
    rest = Money(FACILITY * 100 - amount.amount_minor, "USD")
    await agreed(funding, change(rest.text(), "lower"))
    return funding


async def available(funding: Funding, currency: str = "USD") -> str:
    (found,) = [one for one in (await funding.sources()).items if one.currency == currency]
    return found.available


def unfunded(worker: TestedWorker) -> dict[str, float | None]:
    """What the alert looks at: payments that wait for a commitment, by currency."""
    sample = worker.metrics.registry.get_sample_value
    return {code: sample("fundline_payments_unfunded", {"currency": code}) for code in ("USD", "EUR")}


async def open_cases(database: Database) -> list[tuple[str, str]]:
    rows = await database.fetch("select kind, subject from cases where state = 'open'")
    return [tuple(row) for row in rows]


async def test_a_payment_beyond_what_is_committed_waits_and_goes_on_when_there_is_more(worker, database, box):
    funding = await leave(database, Money(AMOUNT.amount_minor * 2 - 1, "USD"))
    paid, waits = [await store_application(database, box) for _ in range(2)]
    await worker.deliver(payment_requested(paid))
    await worker.deliver(payment_requested(waits))
    assert (await disbursement(database, paid))["state"] == "settled"
    assert (await disbursement(database, waits))["state"] == "requested"
    assert await available(funding) == "12499.99"
    assert await open_cases(database) == [("funding_short", "lender_funding:USD")]
    await worker.parts.sweep.turn()
    assert (await disbursement(database, waits))["state"] == "requested"
    assert unfunded(worker) == {"USD": 1.0, "EUR": 0.0}

    await agreed(funding, change("0.01"))
    await worker.sweep()
    await worker.parts.sweep.turn()
    assert (await disbursement(database, waits))["state"] == "settled"
    assert unfunded(worker) == {"USD": 0.0, "EUR": 0.0}
    assert await open_cases(database) == []
    assert await available(funding) == "0.00"
    async with database.transaction() as connection:
        assert "funding_is_counted" not in {problem.check for problem in await verify(connection)}


async def test_of_twenty_at_once_no_more_is_drawn_than_is_committed(worker, database, box):
    funding = await leave(database, Money(AMOUNT.amount_minor * 7, "USD"))
    ids = [await store_application(database, box) for _ in range(20)]
    turns = asyncio.Semaphore(6)

    async def pay(application_id: UUID) -> None:
        async with turns:
            try:
                await worker.deliver(payment_requested(application_id))
            except Exception as later:  # what the check of the database refused comes again
                assert "RetryLater" in type(later).__name__

    await asyncio.gather(*(pay(one) for one in ids))
    for _ in range(3):
        await worker.sweep()
    rows = await database.fetch("select state, count(*) as many from disbursements group by 1 order by 1")
    found = {row["state"]: row["many"] for row in rows}
    assert found["settled"] == 7
    assert await available(funding) == "0.00"


async def test_what_comes_back_is_there_again(worker, database, box):
    funding = await leave(database, AMOUNT)
    declined = await store_application(database, box, account_number="1234560002")
    await worker.deliver(payment_requested(declined))
    assert (await disbursement(database, declined))["state"] == "failed"
    assert await available(funding) == AMOUNT.text()


async def test_whatever_books_cannot_draw_more_than_is_committed(database):
    await leave(database, AMOUNT)
    above = Money(AMOUNT.amount_minor + 1, "USD")
    async with database.transaction() as connection:
        with pytest.raises(FundsShort):
            async with connection.transaction():
                await book_payment(
                    connection,
                    PaymentState.SUBMITTED,
                    above,
                    payment_id=new_id(),
                    new_id=new_id,
                    at=utc_now(),
                )


async def test_nobody_agrees_to_what_they_have_asked_for_and_it_counts_only_then(database):
    funding = Funding(database)
    proposed = await funding.propose(OTTO, change("500.00"), once("otto", status=201))
    before = await available(funding)
    with pytest.raises(SecondPersonNeeded):
        await funding.agree(OTTO, proposed.id, "Mine.", once("otto"))
    assert await available(funding) == before == f"{FACILITY}.00"
    await funding.agree(OLGA, proposed.id, "Seen.", once("olga"))
    assert await available(funding) == f"{FACILITY + 500}.00"
    with pytest.raises(CommitmentConflict):
        await funding.agree(OLGA, proposed.id, "Twice.", once("olga"))
    (newest, first, *_) = (await funding.page(CommitmentQuery())).items
    assert (newest.state, newest.decided_by) == ("agreed", "olga")
    assert first.state == "agreed"


async def test_what_is_withdrawn_never_counts(database):
    funding = Funding(database)
    proposed = await funding.propose(OTTO, change("500.00"), once("otto", status=201))
    await funding.withdraw(OTTO, proposed.id, "A typing error.", once("otto"))
    with pytest.raises(CommitmentConflict, match="withdrawn"):
        await funding.agree(OLGA, proposed.id, "Seen.", once("olga"))
    with pytest.raises(CommitmentNotFound):
        await funding.agree(OLGA, new_id(), "Seen.", once("olga"))
    assert await available(funding) == f"{FACILITY}.00"


async def test_no_less_is_committed_than_is_drawn(worker, database, box):
    await worker.deliver(payment_requested(await store_application(database, box)))
    funding = Funding(database)
    with pytest.raises(CommitmentConflict, match="drawn already"):
        await agreed(funding, change(f"{FACILITY}.00", "lower"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount": "0.00"},
        {"amount": "1.001"},
        {"amount": "-1.00"},
        {"currency": "CHF"},
        {"account": "borrower_receivable"},
    ],
)
async def test_a_commitment_that_makes_no_sense_is_refused(wrong, database):
    with pytest.raises(InvalidRequest):
        await Funding(database).propose(OTTO, change(**({"amount": "1.00"} | wrong)), once("otto"))


@pytest.mark.parametrize(
    "statement",
    [
        "update funding_balances set committed_minor = committed_minor + 1",
        "update funding_balances set drawn_minor = 0",
        "delete from funding_balances",
        "insert into funding_balances values ('borrower_receivable', 'USD', 5, 0)",
        "update funding_commitments set amount_minor = amount_minor + 1",
        "update funding_commitments set state = 'proposed', decided_by = null, decided_at = null",
        "delete from funding_commitments",
    ],
)
async def test_the_processes_can_make_no_money_of_nothing(statement, database):
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await database.execute(statement)


def test_a_decision_says_why():
    assert CommitmentDecision(reason="Seen.").reason == "Seen."
