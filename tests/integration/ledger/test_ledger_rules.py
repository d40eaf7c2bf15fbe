"""What the ledger's schema itself refuses, whoever asks: promise 7."""

from datetime import timedelta

import asyncpg
import pytest

from fundline.domain.ledger import LedgerAccount, Posting
from fundline.domain.money import Money
from fundline.domain.payment import PaymentState
from fundline.platform.clock import new_id
from fundline.platform.database import UniqueRule
from fundline.records.ledger import Correction, CorrectionRefused, TransferUnknown
from fundline.records.ledger_views import entries, trial_balance
from support.ledger import AMOUNT, AT, correct_transfer, open_payment, problems, reach, transfer_of

pytestmark = pytest.mark.integration
S, A = PaymentState, LedgerAccount
TABLES = ("ledger_postings", "ledger_transfers", "ledger_accounts")
EDITS = ("update {} set {} = {}", "delete from {}", "truncate {} cascade")
COLUMN = {"ledger_postings": "amount_minor", "ledger_transfers": "payment_id", "ledger_accounts": "kind"}


def _edit(edit: str, table: str) -> str:
    return edit.format(table, COLUMN[table], COLUMN[table])


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("edit", EDITS)
async def test_promise_7_the_processes_may_not_edit_the_ledger_by_their_grants(database, table, edit):
    """The message is the server's own about grants, not the one of our trigger."""
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied"):
        await database.execute(_edit(edit, table))


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("edit", EDITS)
async def test_promise_7_the_owner_of_the_tables_is_stopped_by_triggers(owner, table, edit):
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
        await owner.execute(_edit(edit, table))


async def test_promise_7_a_pending_payment_is_resolved_once(database):
    for first, second in ((S.SETTLED, S.FAILED), (S.FAILED, S.SETTLED), (S.SETTLED, S.SETTLED)):
        payment_id = await open_payment(database)
        await reach(database, payment_id, S.SUBMITTED)
        await reach(database, payment_id, first)
        with pytest.raises(UniqueRule) as refused:
            await reach(database, payment_id, second)
        assert refused.value.constraint in {
            "ledger_transfers_resolved_once",
            "ledger_transfers_once_per_purpose",
        }
    assert await problems(database) == []


async def test_promise_7_a_correction_is_an_entry_that_names_the_one_it_corrects(database):
    payment_id = await open_payment(database)
    await reach(database, payment_id, S.SUBMITTED)
    await reach(database, payment_id, S.SETTLED)
    settled = await transfer_of(database, payment_id, "payment_settled")
    euros = (
        Posting(A.LENDER_FUNDING, AMOUNT),
        Posting(A.DISBURSEMENT_CLEARING, Money(-AMOUNT.amount_minor, "USD")),
    )
    await correct_transfer(database, settled, instead=euros)
    async with database.transaction() as connection:
        found = await entries(connection, A.BORROWER_RECEIVABLE, limit=10)
    assert [(e.purpose, e.corrects, e.balance.text()) for e in found] == [
        ("reversal", settled, "0.00"),
        ("payment_settled", None, "50000.00"),
    ]
    assert await problems(database) == []
    story = await database.fetch(
        "select action, reason, details from audit_entries where stream <> 'configuration'"
    )
    assert [(row["action"], row["reason"]) for row in story] == [
        ("ledger.corrected", "booked to the wrong side")
    ]
    assert '"requestedBy":"olga"' in story[0]["details"]
    assert '"approvedBy":"omar"' in story[0]["details"]


@pytest.mark.breaks_the_books("what is reversed is not replaced, and stays in clearing")
async def test_a_transfer_is_reversed_once(database):
    payment_id = await open_payment(database)
    await reach(database, payment_id, S.SUBMITTED)
    await reach(database, payment_id, S.SETTLED)
    settled = await transfer_of(database, payment_id, "payment_settled")
    await correct_transfer(database, settled)
    with pytest.raises(UniqueRule, match="ledger_transfers_corrected_once"):
        await correct_transfer(database, settled)
    reversal = await transfer_of(database, payment_id, "reversal")
    with pytest.raises(CorrectionRefused, match="not reversed again"):
        await correct_transfer(database, reversal)


async def test_what_is_pending_is_not_corrected_so_that_the_banks_result_can_be_booked(database):
    payment_id = await open_payment(database)
    await reach(database, payment_id, S.SUBMITTED)
    with pytest.raises(CorrectionRefused, match="with the bank"):
        await correct_transfer(database, await transfer_of(database, payment_id, "payment_submitted"))
    await reach(database, payment_id, S.SETTLED)
    assert await problems(database) == []


async def test_what_does_not_exist_is_not_corrected(database):
    with pytest.raises(TransferUnknown):
        await correct_transfer(database, new_id())


async def test_one_person_alone_corrects_nothing(database):
    with pytest.raises(CorrectionRefused, match="two people"):
        Correction(new_id(), "typed wrong", "olga", "olga")
    with pytest.raises(CorrectionRefused, match="needs a reason"):
        Correction(new_id(), " ", "olga", "omar")
    with pytest.raises(asyncpg.CheckViolationError, match="corrections_say_why"):
        await database.execute(
            "insert into ledger_transfers (transfer_id, payment_id, purpose, booked_at) "
            "values ($1, $1, 'reversal', now())",
            new_id(),
        )


@pytest.mark.parametrize(
    ("purpose", "rule"),
    [
        ("payment_submitted", "has no postings"),
        ("payment_settled", "has no postings"),
    ],
)
async def test_a_transfer_without_postings_is_refused(database, purpose, rule):
    with pytest.raises(asyncpg.CheckViolationError, match=rule):
        await database.execute(
            "insert into ledger_transfers (transfer_id, payment_id, purpose, booked_at) values ($1, $1, $2, now())",
            new_id(),
            purpose,
        )


async def test_a_result_without_a_submission_is_refused(database):
    payment_id = await open_payment(database)
    with pytest.raises(asyncpg.CheckViolationError, match="never submitted"):
        await reach(database, payment_id, S.SETTLED)


async def test_a_result_of_another_amount_is_refused(database):
    """It would leave money in clearing for a payment that is finished."""
    payment_id = await open_payment(database)
    await reach(database, payment_id, S.SUBMITTED)
    with pytest.raises(asyncpg.CheckViolationError, match="still in clearing"):
        await reach(database, payment_id, S.SETTLED, Money(AMOUNT.amount_minor - 1, "USD"))


async def test_a_booked_transfer_gets_no_further_posting(database):
    payment_id = await open_payment(database)
    await reach(database, payment_id, S.SUBMITTED)
    submitted = await transfer_of(database, payment_id, "payment_submitted")
    with pytest.raises(asyncpg.CheckViolationError, match="no further posting"):
        await database.execute(
            "insert into ledger_postings (transfer_id, account, currency, amount_minor) "
            "values ($1, 'borrower_receivable', 'EUR', 5), ($1, 'lender_funding', 'EUR', -5)",
            submitted,
        )
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied"):
        await database.execute(
            "insert into ledger_transfers (transfer_id, payment_id, purpose, booked_at, booked_in) "
            "values ($1, $1, 'payment_submitted', now(), '1')",
            new_id(),
        )


async def test_another_lender_pays_another_currency_and_gets_its_money_back(database, owner):
    await owner.execute(
        "insert into ledger_accounts values ('second_lender', 'liability', 'Another lender', 'funding');"
        "update funding_sources set account = 'second_lender' where currency = 'EUR'"
    )
    euros = Money(70_000, "EUR")
    kept, returned = await open_payment(database, euros), await open_payment(database, euros)
    for payment_id in (kept, returned):
        await reach(database, payment_id, S.SUBMITTED, euros)
    await owner.execute("update funding_sources set account = 'lender_funding' where currency = 'EUR'")
    await reach(database, kept, S.SETTLED, euros)
    await reach(database, returned, S.FAILED, euros)
    async with database.transaction() as connection:
        balances = {line.account: line.balance.text() for line in await trial_balance(connection)}
    assert balances == {
        "second_lender": "-700.00",
        "borrower_receivable": "700.00",
        "disbursement_clearing": "0.00",
    }
    assert await problems(database) == []


async def test_a_fee_is_owed_on_top_and_only_when_the_policy_says_so(database, owner):
    free, charged = await open_payment(database), await open_payment(database)
    await reach(database, free, S.SUBMITTED)
    await reach(database, free, S.SETTLED)
    await owner.execute("update fee_policies set origination_basis_points = 150 where currency = 'USD'")
    await reach(database, charged, S.SUBMITTED)
    await reach(database, charged, S.SETTLED)
    async with database.transaction() as connection:
        balances = {line.account: line.balance.text() for line in await trial_balance(connection)}
    assert (balances["lender_funding"], balances["borrower_receivable"]) == ("-100000.00", "100750.00")
    assert balances["fee_income"] == "-750.00"
    assert await problems(database) == []


@pytest.mark.breaks_the_books("the books are forged on purpose")
async def test_verify_finds_what_the_owner_forged_with_the_triggers_off(database, owner):
    lost, edited = await open_payment(database), await open_payment(database)
    for payment_id in (lost, edited):
        await reach(database, payment_id, S.SUBMITTED)
        await reach(database, payment_id, S.SETTLED)
    submitted = await transfer_of(database, lost, "payment_submitted")
    settled = await transfer_of(database, edited, "payment_settled")
    for table in ("ledger_postings", "ledger_transfers"):
        await owner.execute(f"alter table {table} disable trigger user")
    await owner.execute("delete from ledger_postings where transfer_id = $1", submitted)
    await owner.execute("delete from ledger_transfers where transfer_id = $1", submitted)
    await owner.execute(
        "update ledger_postings set amount_minor = -1 where transfer_id = $1 and amount_minor < 0", settled
    )
    found = await problems(database)
    assert {(p.check, p.subject) for p in found} == {
        ("transfer_sums_to_zero", str(settled)),
        ("transfers_in_sequence", str(await transfer_of(database, lost, "payment_settled"))),
        ("debits_are_credits", "USD"),
        ("funding_is_counted", "lender_funding:USD"),
        ("no_wrong_sign", "disbursement_clearing"),
        ("payments_are_in_place", str(lost)),
        ("payments_are_in_place", str(edited)),
    }


@pytest.mark.breaks_the_books("the books are forged on purpose")
async def test_a_state_that_the_books_do_not_know_is_found(database):
    payment_id = await open_payment(database)
    await reach(database, payment_id, S.SUBMITTED)
    await database.execute(
        "update disbursements set state = 'settled', transaction_id = 'txn_1' where payment_id = $1",
        payment_id,
    )
    (problem,) = await problems(database)
    assert (problem.check, problem.subject) == ("payments_are_in_place", str(payment_id))


async def test_the_books_are_read_as_of_a_moment(database):
    payment_id = await open_payment(database)
    await reach(database, payment_id, S.SUBMITTED, at=AT)
    await reach(database, payment_id, S.SETTLED, at=AT + timedelta(hours=2))
    moment = AT + timedelta(hours=1)
    async with database.transaction() as connection:
        balances = {line.account: line.balance.text() for line in await trial_balance(connection, moment)}
    assert balances == {"disbursement_clearing": "50000.00", "lender_funding": "-50000.00"}
    assert await problems(database, moment) == []
    assert await problems(database, AT - timedelta(hours=1)) == []
