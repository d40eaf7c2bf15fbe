"""Our payments and the bank's statement, one to one; what differs goes to a person."""

from datetime import timedelta

import pytest

from fundline.banks.sandbox import SandboxBank
from fundline.domain.money import Money
from fundline.domain.payment import PaymentState
from fundline.platform.clock import new_id
from fundline.services.reconciler.bank import BankComparison
from fundline.services.reconciler.findings import Unchecked
from fundline.services.reconciler.statement import Statement
from support.ledger import AMOUNT, AT, reach
from support.reconciler import cases

pytestmark = pytest.mark.integration
S = PaymentState
LATER, MUCH_LATER = AT + timedelta(minutes=2), AT + timedelta(minutes=5)

SETTLED_WITH_LINES = """
with paid as (
    insert into disbursements
        (payment_id, application_id, amount_minor, currency, state, transaction_id, created_at, finished_at)
    select gen_random_uuid(), gen_random_uuid(), 100, 'USD', 'settled', 'txn', $2, $2 from generate_series(1, $1)
    returning payment_id
)
insert into bank_statement_lines
    (bank, line_hash, payment_id, is_paid, amount_minor, currency, transaction_id, reference, read_at, seen_at)
select 'sandbox', decode(replace(payment_id::text, '-', ''), 'hex'), payment_id, true, 100, 'USD', 'txn', '', $2, $2
from paid
"""


async def differences(database, comparison, *, full=False, at=MUCH_LATER):
    """What a run finds once its grace is over, as (subject, difference)."""
    found = await comparison.look(at=at, full=full)
    rows = await database.fetch("select subject, details ->> 'difference' as difference from cases")
    known = {row["subject"]: row["difference"] for row in rows}
    return [(finding.subject, known[finding.subject]) for finding in found]


async def test_both_sides_agree_and_each_line_is_matched_once(comparison, database, bank, pay):
    for _ in range(3):
        bank.settled(await pay(), AMOUNT)
    bank.declined(await pay(S.FAILED), AMOUNT)
    assert await comparison.look(at=LATER, full=False) == []
    assert await comparison.look(at=MUCH_LATER, full=False) == []
    rows = await database.fetch("select matched_at from bank_statement_lines")
    assert [row["matched_at"] for row in rows] == [LATER] * 4


async def test_reading_goes_on_behind_the_last_full_page(comparison, bank, pay):
    for _ in range(5):
        bank.settled(await pay(), AMOUNT)
    await comparison.look(at=LATER, full=False)
    assert bank.cursors == [0, 2, 4]
    bank.cursors.clear()
    bank.settled(await pay(), AMOUNT)
    assert await comparison.look(at=MUCH_LATER, full=False) == []
    assert bank.cursors == [4, 6]


async def test_a_booking_that_we_do_not_know_is_a_case(comparison, database, bank):
    stranger = new_id()
    bank.settled(stranger, AMOUNT)
    assert await comparison.look(at=LATER, full=False) == []
    assert await differences(database, comparison) == [(str(stranger), "not_ours")]


async def test_a_payment_that_the_bank_does_not_have_is_a_case(comparison, database, bank, pay):
    paid = await pay()
    assert await differences(database, comparison) == [(str(paid), "missing_there")]
    assert await cases(database) == [("bank_mismatch", str(paid))]


async def test_what_settled_a_moment_ago_may_be_on_its_way(comparison, pay):
    await pay()
    assert await comparison.look(at=AT + timedelta(seconds=30), full=False) == []


@pytest.mark.parametrize("wrong", ["amount", "transaction", "result"])
async def test_another_amount_result_or_transaction_is_a_case(comparison, database, bank, pay, wrong):
    paid = await pay()
    if wrong == "amount":
        bank.settled(paid, Money(AMOUNT.amount_minor + 1, "USD"))
    elif wrong == "transaction":
        bank.settled(paid, AMOUNT, transaction_id="txn_other")
    else:
        bank.declined(paid, AMOUNT)
    await comparison.look(at=LATER, full=False)
    assert await differences(database, comparison) == [(str(paid), "different")]


async def test_a_payment_that_the_bank_made_twice_is_a_case(comparison, database, bank, pay):
    paid = await pay()
    bank.settled(paid, AMOUNT)
    bank.settled(paid, AMOUNT)
    await comparison.look(at=LATER, full=False)
    assert await differences(database, comparison) == [(str(paid), "repeated")]


async def test_a_result_that_we_do_not_have_is_a_case_until_we_have_it(comparison, database, bank, pay):
    payment_id = await pay(S.SUBMITTED)
    bank.settled(payment_id, AMOUNT)
    assert await comparison.look(at=LATER, full=False) == []
    assert await differences(database, comparison) == [(str(payment_id), "no_result_here")]
    await reach(database, payment_id, S.SETTLED)
    assert await comparison.look(at=MUCH_LATER, full=False) == []
    assert await cases(database) == []
    assert await cases(database, "resolved") == [("bank_mismatch", str(payment_id))]


async def test_a_second_run_opens_no_second_case(comparison, database, bank):
    bank.settled(new_id(), AMOUNT)
    await comparison.look(at=LATER, full=False)
    first = await comparison.look(at=MUCH_LATER, full=False)
    second = await comparison.look(at=MUCH_LATER, full=False)
    assert [finding.opened_case for finding in (*first, *second)] == [True, False]
    assert len(await cases(database)) == 1


async def test_what_a_person_has_explained_is_not_raised_again(comparison, database, bank):
    stranger = new_id()
    bank.settled(stranger, AMOUNT)
    await comparison.look(at=LATER, full=False)
    await comparison.look(at=MUCH_LATER, full=False)
    await database.execute(
        "update cases set state = 'resolved', resolved_by = 'olga', resolved_at = now(), resolution = 'a test'"
    )
    assert await comparison.look(at=MUCH_LATER, full=False) == []


async def test_what_a_person_has_explained_hides_nothing_behind_it(database, bank, pay):
    one_at_a_time = BankComparison(
        database, Statement(database, SandboxBank(bank), page=2), grace_s=60, lookback_h=48, batch=1
    )
    paid = {str(await pay()) for _ in range(2)}
    (first,) = await one_at_a_time.look(at=MUCH_LATER, full=False)
    await database.execute(
        "update cases set state = 'resolved', resolved_by = 'olga', resolved_at = now(), resolution = 'a test'"
    )
    (second,) = await one_at_a_time.look(at=MUCH_LATER, full=False)
    assert {first.subject, second.subject} == paid


@pytest.mark.breaks_the_books("payments are put in without their postings")
@pytest.mark.parametrize("full", [False, True])
async def test_a_payment_that_the_bank_does_not_have_is_found_behind_many_that_it_has(
    comparison, database, pay, full
):
    """More than one page of them."""
    await database.execute(SETTLED_WITH_LINES, 5_001, AT)
    paid = await pay()
    await database.execute(
        "update disbursements set finished_at = finished_at + interval '1 s' where payment_id = $1", paid
    )
    found = await comparison._missing_there(MUCH_LATER, full=full)
    assert [finding.subject for finding in found] == [str(paid)]


async def test_a_full_run_finds_what_was_changed_or_taken_out_of_the_statement(
    comparison, database, bank, pay
):
    changed, removed, kept = await pay(), await pay(), await pay()
    for payment_id in (changed, removed, kept):
        bank.settled(payment_id, AMOUNT)
    assert await comparison.look(at=LATER, full=False) == []
    bank.lines[0]["amount"] = "1.00"
    del bank.lines[1]
    await comparison.look(at=MUCH_LATER, full=True)
    found = await differences(database, comparison, full=True, at=MUCH_LATER + timedelta(minutes=5))
    assert {subject for subject, _ in found} == {str(changed), str(removed)}
    assert (str(removed), "gone") in found


async def test_a_full_run_compares_what_was_matched_once_more(comparison, database, bank, pay):
    paid = await pay()
    bank.settled(paid, AMOUNT)
    await comparison.look(at=LATER, full=False)
    await database.execute(
        "update disbursements set transaction_id = 'txn_forged' where payment_id = $1", paid
    )
    assert await differences(database, comparison) == []
    assert await differences(database, comparison, full=True) == [(str(paid), "different")]


async def test_a_bank_that_is_silent_or_not_understood_is_said_and_nothing_is_concluded(
    comparison, database, bank, pay
):
    await pay()
    bank.is_silent = True
    with pytest.raises(Unchecked, match="does not give its statement"):
        await comparison.look(at=MUCH_LATER, full=False)
    bank.is_silent = False
    bank.lines.append({"something": "else"})
    with pytest.raises(Unchecked, match="not understood"):
        await comparison.look(at=MUCH_LATER, full=False)
    assert await cases(database) == []


async def test_a_payment_that_came_back_and_nobody_told_us_is_found_and_asked_for_until_we_have_it(
    comparison, database, bank, pay
):
    paid = await pay()
    bank.settled(paid, AMOUNT)
    assert await comparison.look(at=LATER, full=False) == []
    bank.returned(paid, AMOUNT)
    await comparison.look(at=LATER, full=False)
    assert await differences(database, comparison) == [(str(paid), "returned")]
    row = await database.fetchrow("select next_step_at from disbursements where payment_id = $1", paid)
    assert row["next_step_at"] == MUCH_LATER, "a worker asks the bank for it now"

    await reach(database, paid, S.RETURNED)
    assert await comparison.look(at=MUCH_LATER, full=False) == []
    assert await comparison.look(at=MUCH_LATER, full=True) == []
    row = await database.fetchrow("select state, resolution from cases where subject = $1", str(paid))
    assert (row["state"], row["resolution"]) == ("resolved", "It agrees now.")


async def test_a_payment_that_came_back_twice_or_that_never_went_is_a_case(comparison, database, bank, pay):
    twice, never = await pay(), await pay(S.FAILED)
    bank.settled(twice, AMOUNT)
    await reach(database, twice, S.RETURNED)
    for payment_id in (twice, twice, never):
        bank.returned(payment_id, AMOUNT)
    await comparison.look(at=LATER, full=False)
    found = await differences(database, comparison)
    assert sorted(found) == sorted([(str(twice), "repeated"), (str(never), "different")])
