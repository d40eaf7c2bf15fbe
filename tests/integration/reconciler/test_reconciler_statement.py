"""A statement that has lost lines, or is suddenly another one, is read again from its start, and a person is told."""

from datetime import timedelta

import pytest

from fundline.records.cases import CaseKind, settle_case
from support.ledger import AMOUNT, AT
from support.reconciler import cases

pytestmark = pytest.mark.integration
LATER, MUCH_LATER = AT + timedelta(minutes=2), AT + timedelta(minutes=5)


async def settled_lines(bank, pay, count):
    made = [await pay() for _ in range(count)]
    for payment_id in made:
        bank.settled(payment_id, AMOUNT)
    return made


STATEMENT_CASE = ("bank_mismatch", "statement:sandbox")


@pytest.mark.parametrize("kept", [0, 1, 2, 3, 4])
async def test_a_statement_that_has_lost_its_last_lines_is_read_again_from_its_start(
    comparison, database, bank, pay, kept
):
    """Incident: the bank's file was put back from a backup, and the cursor stayed behind its end for a day."""
    made = await settled_lines(bank, pay, 5)
    await comparison.look(at=LATER, full=False)
    del bank.lines[kept:]
    new = await pay()
    bank.settled(new, AMOUNT)
    found = await comparison.look(at=MUCH_LATER, full=False)
    gone = {str(payment_id) for payment_id in made[kept:]}
    assert {finding.subject for finding in found} == {"statement:sandbox", *gone}
    assert STATEMENT_CASE in await cases(database)
    matched = await database.fetch("select 1 from bank_statement_lines where payment_id = $1", new)
    assert matched, "the booking behind the place where we stopped was read"
    assert not {finding.subject for finding in found if finding.opened_case} - {"statement:sandbox", *gone}


async def test_a_statement_replaced_by_a_longer_one_is_noticed_too(comparison, database, bank, pay):
    await settled_lines(bank, pay, 5)
    await comparison.look(at=LATER, full=False)
    others, bank.lines[:] = await settled_lines(bank, pay, 9), bank.lines[:0]
    for payment_id in others:
        bank.settled(payment_id, AMOUNT)
    assert "statement:sandbox" in {
        finding.subject for finding in await comparison.look(at=MUCH_LATER, full=False)
    }
    read = await database.fetch(
        "select distinct payment_id from bank_statement_lines where seen_at = $1", MUCH_LATER
    )
    assert {row["payment_id"] for row in read} == set(others)


async def test_after_that_the_new_statement_is_read_on_as_any_other(comparison, bank, pay):
    await settled_lines(bank, pay, 5)
    await comparison.look(at=LATER, full=False)
    del bank.lines[:]
    await settled_lines(bank, pay, 3)
    await comparison.look(at=MUCH_LATER, full=False)
    bank.cursors.clear()
    await settled_lines(bank, pay, 1)
    found = await comparison.look(at=MUCH_LATER + timedelta(minutes=2), full=False)
    assert [finding.subject for finding in found if finding.opened_case] == []
    assert "statement:sandbox" not in {finding.subject for finding in found}
    assert bank.cursors == [2, 4]


async def test_a_statement_that_only_grows_is_never_called_another(comparison, bank, pay):
    for minute in range(1, 12):
        await settled_lines(bank, pay, minute % 3)
        assert await comparison.look(at=AT + timedelta(minutes=minute), full=minute % 5 == 0) == []


async def test_a_statement_that_is_empty_all_at_once_is_told_once(comparison, database, bank, pay):
    await settled_lines(bank, pay, 3)
    await comparison.look(at=LATER, full=False)
    del bank.lines[:]
    await comparison.look(at=MUCH_LATER, full=False)
    async with database.transaction() as connection:
        how = {"by": "olga", "at": MUCH_LATER, "resolution": "The bank was put back."}
        await settle_case(connection, CaseKind.BANK_MISMATCH, "statement:sandbox", **how)
    await comparison.look(at=MUCH_LATER + timedelta(minutes=1), full=False)
    assert STATEMENT_CASE not in await cases(database)
