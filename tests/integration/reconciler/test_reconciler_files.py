"""A second bank, which notifies by files (camt.054), is reconciled by the same rules as the sandbox bank's own API."""

from datetime import timedelta
from uuid import UUID

import pytest

from fundline.banks.iso20022_files import ByFiles
from fundline.domain.money import Money
from fundline.domain.payment import PaymentState
from fundline.outside.bank_sandbox.iso_messages import booking_notification
from fundline.outside.bank_sandbox.store import Payment
from fundline.platform.clock import new_id
from fundline.services.reconciler.bank import BankComparison
from fundline.services.reconciler.findings import Unchecked
from fundline.services.reconciler.statement import Statement
from support.ledger import AMOUNT, AT
from support.reconciler import cases

pytestmark = pytest.mark.integration
S = PaymentState
LATER, MUCH_LATER = AT + timedelta(minutes=2), AT + timedelta(minutes=5)
STATEMENT_CASE = ("bank_mismatch", "statement:iso20022")


class Bank:
    """Writes its notifications, a second of booking apart."""

    def __init__(self, folder):
        self.folder, self.booked = folder / "from-bank", 0
        self.folder.mkdir()

    def settled(self, payment_id: UUID, amount: Money = AMOUNT, *, transaction_id: str | None = None):
        self.booked += 1
        at = (AT + timedelta(seconds=self.booked)).isoformat()
        payment = Payment(
            1, str(payment_id), b"", "settled", transaction_id or f"t_{payment_id.hex}", None, amount.amount_minor,
            amount.currency, "1234", "a reference", at, at,
        )  # fmt: skip
        file = self.folder / f"{payment_id.hex}.camt.054.xml"
        file.write_bytes(booking_notification(payment, AT))
        return file


@pytest.fixture
def bank(tmp_path) -> Bank:
    return Bank(tmp_path)


@pytest.fixture
def comparison(database, bank) -> BankComparison:
    by_files = ByFiles(bank.folder.parent, timeout_s=1.0, now=lambda: MUCH_LATER)
    return BankComparison(
        database, Statement(database, by_files, page=2), grace_s=60, lookback_h=48, batch=50
    )


async def test_both_sides_agree_and_a_decline_needs_no_line(comparison, database, bank, pay):
    for _ in range(5):
        bank.settled(await pay())
    await pay(S.FAILED)
    assert await comparison.look(at=LATER, full=False) == []
    assert await comparison.look(at=MUCH_LATER, full=True) == []
    rows = await database.fetch("select bank, matched_at from bank_statement_lines")
    assert [tuple(row) for row in rows] == [("iso20022", LATER)] * 5


async def test_reading_goes_on_where_it_stopped(comparison, bank, pay):
    for _ in range(3):
        bank.settled(await pay())
        assert await comparison.look(at=LATER, full=False) == []
    assert await comparison.look(at=MUCH_LATER, full=False) == []


async def test_what_differs_is_a_case(comparison, database, bank, pay):
    stranger, missing, other, wrong = new_id(), await pay(), await pay(), await pay()
    bank.settled(stranger)
    bank.settled(other, transaction_id="txn_other")
    bank.settled(wrong, Money(AMOUNT.amount_minor + 1, "USD"))
    await comparison.look(at=LATER, full=False)
    await comparison.look(at=MUCH_LATER, full=False)
    rows = await database.fetch("select subject, details ->> 'difference' as difference from cases")
    assert {row["subject"]: row["difference"] for row in rows} == {
        str(stranger): "not_ours",
        str(missing): "missing_there",
        str(other): "different",
        str(wrong): "different",
    }


async def test_a_statement_that_shrank_is_another_one_and_a_person_is_told(comparison, database, bank, pay):
    files = [bank.settled(await pay()) for _ in range(4)]
    assert await comparison.look(at=LATER, full=False) == []
    for file in files[2:]:
        file.unlink()
    found = await comparison.look(at=MUCH_LATER, full=False)
    assert STATEMENT_CASE in await cases(database)
    gone = {UUID(hex=file.name.partition(".")[0]) for file in files[2:]}
    assert {finding.subject for finding in found} == {STATEMENT_CASE[1], *map(str, gone)}


async def test_a_file_that_is_not_understood_concludes_nothing(comparison, database, bank, pay):
    await pay()
    (bank.folder / "9.camt.054.xml").write_bytes(b"half a mess")
    with pytest.raises(Unchecked, match=r"not understood.*9\.camt\.054\.xml"):
        await comparison.look(at=MUCH_LATER, full=False)
    assert await cases(database) == []
