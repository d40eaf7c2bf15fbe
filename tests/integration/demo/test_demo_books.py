"""What the demo's checks read from the real database is what the tables hold, in agreement and out of it."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from fundline.demo.books import read_books, read_reasons
from fundline.demo.checks import judge
from fundline.demo.models import read_model_decisions
from fundline.domain.ledger import origination_fee
from fundline.domain.money import Money
from fundline.domain.payment import PaymentState
from fundline.platform.clock import new_id
from fundline.platform.database import Database
from fundline.records.books import StatementLine
from fundline.records.ledger import Correction, book, book_payment, correct
from support.stored_record import a_record, store_record

pytestmark = pytest.mark.integration

AMOUNT = Money(5_000_000, "USD")
AT = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
INSERT_PAYMENT = """
insert into disbursements (payment_id, application_id, amount_minor, currency, state, transaction_id, created_at)
values ($1, $2, $3, $4, $5, $6, $7)
"""
INSERT_ASSESSMENT = """
insert into risk_assessments (application_id, assessment, risk_score, verdict, principal_reasons, evidence,
    model_version, policy_version, assessed_at)
values ($1, 1, 0.1, $2, $3::jsonb, '{}', 'm', 'p', $4)
"""
INSERT_ASSESSED = """
insert into risk_assessments (application_id, assessment, risk_score, verdict, principal_reasons, evidence,
    model_version, policy_version, assessed_at, model_asked, fallback_cause, shadow)
values ($1, 1, 0.1, $2, $3::jsonb, '{}', 'm', 'p', $4, $5, $6, $7::jsonb)
"""
REASONS = '[{"code": "business_new", "sentence": "Too new."}, {"code": "jobs_few", "sentence": "Few jobs."}]'


async def _application(database: Database, applicant: str, status: str, sequence: int) -> UUID:
    record = a_record(user_id=applicant, amount=AMOUNT, created_at=AT)
    await store_record(database, record, status=status, sequence=sequence)
    return record.application_id


async def _paid(database: Database, applicant: str) -> StatementLine:
    """A paid application with its bookings; returns the line that the bank's statement has for it."""
    application_id, payment_id = await _application(database, applicant, "disbursed", 4), new_id()
    money = (AMOUNT.amount_minor, AMOUNT.currency)
    await database.execute(INSERT_PAYMENT, payment_id, application_id, *money, "settled", "txn_1", AT)
    await _book(database, payment_id, PaymentState.SUBMITTED)
    await _book(database, payment_id, PaymentState.SETTLED)
    return StatementLine(payment_id, True, AMOUNT, "txn_1", str(application_id))


async def _book(database: Database, payment_id: UUID, reached: PaymentState) -> None:
    async with database.transaction() as connection:
        await book_payment(connection, reached, AMOUNT, payment_id=payment_id, new_id=new_id, at=AT)


async def test_an_empty_database_agrees_with_an_empty_statement(database):
    assert judge(await read_books(database), []).problems() == []


async def test_a_paid_application_agrees_with_its_line_in_the_statement(database):
    line = await _paid(database, "alice")
    checks = judge(await read_books(database), [line])
    assert checks.problems() == []
    assert (checks.books.transfers, checks.books.postings) == (2, 4)
    assert checks.books.account_balances()["borrower_receivable", "USD"] == AMOUNT.amount_minor


async def test_another_transaction_id_at_the_bank_is_a_difference(database):
    line = await _paid(database, "alice")
    assert not judge(await read_books(database), [replace(line, transaction_id="txn_2")]).bank_matches


@pytest.mark.breaks_the_books("that is what the checks must see")
async def test_a_payment_booked_as_submitted_only_does_not_balance_with_its_state(database):
    application_id, payment_id = await _application(database, "alice", "disbursed", 4), new_id()
    money = (AMOUNT.amount_minor, AMOUNT.currency)
    await database.execute(INSERT_PAYMENT, payment_id, application_id, *money, "settled", "txn_1", AT)
    await _book(database, payment_id, PaymentState.SUBMITTED)
    assert not judge(await read_books(database), []).ledger_balanced


async def test_a_payment_with_a_fee_and_one_that_was_corrected_are_in_place(database):
    line = await _paid(database, "alice")
    books = await read_books(database)
    assert books.corrected == frozenset()
    async with database.transaction() as connection:
        fee = origination_fee(AMOUNT, 150)
        await book(connection, fee, transfer_id=new_id(), payment_id=line.payment_id, at=AT)
    books = await read_books(database)
    assert books.account_balances()["fee_income", "USD"] == -75_000
    assert judge(books, [line]).problems() == []
    async with database.transaction() as connection:
        find = "select transfer_id from ledger_transfers where payment_id = $1 and purpose = 'fee_charged'"
        charged = await connection.fetchval(find, line.payment_id)
        waived = Correction(charged, "waived", "olga", "omar")
        await correct(connection, waived, new_id=new_id, at=AT, actor="tests")
    books = await read_books(database)
    assert books.corrected == {line.payment_id}
    assert judge(books, [line]).problems() == []


async def test_only_the_applications_of_the_applicants_asked_for_are_judged(database):
    await _application(database, "somebody", "risk_scoring", 2)
    mine = await _application(database, "alice", "pending_review", 3)
    assert list((await read_books(database, ["alice"])).applications) == [mine]
    assert judge(await read_books(database, ["alice"]), []).problems() == []
    assert len(judge(await read_books(database), []).unsettled) == 1


async def test_reasons_are_counted_over_what_was_rejected_or_referred(database):
    for applicant, status, verdict in (
        ("alice", "rejected", "rejected"),
        ("alice", "pending_review", "pending_review"),
        ("alice", "approved", "approved"),
        ("somebody", "rejected", "rejected"),
    ):
        application_id = await _application(database, applicant, status, 3)
        await database.execute(INSERT_ASSESSMENT, application_id, verdict, REASONS, AT)
    reasons = await read_reasons(database, ["alice"])
    assert [(reason.code, reason.sentence, reason.times) for reason in reasons] == [
        ("business_new", "Too new.", 2),
        ("jobs_few", "Few jobs.", 2),
    ]


async def test_decisions_are_counted_by_the_model_that_was_to_decide(database):
    rows = (
        ("approved", "scorecard-2", None, {"verdict": "approved"}),
        ("pending_review", "scorecard-2", "the model was away", {"verdict": None, "error": "away"}),
        ("rejected", "lightgbm-1", None, {"verdict": "pending_review"}),
    )
    for verdict, asked, cause, shadow in rows:
        application_id = await _application(database, "alice", verdict, 3)
        await database.execute(
            INSERT_ASSESSED, application_id, verdict, REASONS, AT, asked, cause, json.dumps(shadow)
        )
    champion, challenger = await read_model_decisions(database, ["alice"], {"scorecard-2": "champion"})
    assert (champion.model, champion.decisions, champion.approved, champion.referred) == (
        "scorecard-2",
        2,
        1,
        1,
    )
    assert (champion.role, challenger.role) == ("champion", None)
    assert (champion.fallbacks, champion.shadowed, champion.shadow_agrees) == (1, 1, 1)
    assert (challenger.model, challenger.rejected, challenger.shadow_agrees) == ("lightgbm-1", 1, 0)
