"""The sandbox bank's statement as we read it."""

from uuid import UUID

import pytest

from fundline.banks.bank import BankAnswerUnexpected
from fundline.banks.sandbox import SandboxBank, booking_of
from fundline.domain.money import Money
from fundline.platform.http.client import Answer
from fundline.records.books import StatementLine

ID = UUID(int=7)
LINE = {"paymentId": str(ID), "amount": "10.00", "currency": "USD", "reference": "a loan"}


class Scripted:
    """Stands for the client to a bank: gives one answer."""

    def __init__(self, status, body):
        self._answer = Answer(status, body)

    async def call(self, method, path, **_):
        return self._answer


@pytest.mark.parametrize(
    ("said", "is_paid", "transaction_id"),
    [({"status": "settled", "transactionId": "txn_1"}, True, "txn_1"), ({"status": "declined"}, False, None)],
)
def test_a_line_of_the_statement_is_read_whole(said, is_paid, transaction_id):
    expected = StatementLine(ID, is_paid, Money(1000, "USD"), transaction_id, "a loan")
    assert booking_of({**LINE, **said}).line == expected


def test_another_word_in_a_line_is_another_booking():
    line = {**LINE, "status": "settled", "transactionId": "txn_1", "bookedAt": "2026-11-24T10:00:00Z"}
    first = booking_of(line)
    assert first.booked_at == line["bookedAt"]
    assert booking_of(dict(reversed(line.items()))).digest == first.digest
    assert booking_of({**line, "bookedAt": "2026-11-24T10:00:01Z"}).digest != first.digest


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, {}),
        (200, {"payments": []}),
        (200, {"payments": [{}], "nextCursor": None}),
        (200, {"payments": None, "nextCursor": None}),
        (200, {"payments": [{**LINE, "status": "settled", "amount": "ten"}], "nextCursor": None}),
    ],
)
async def test_a_statement_of_no_contract_is_unexpected(status, body):
    with pytest.raises(BankAnswerUnexpected, match="statement"):
        await SandboxBank(Scripted(status, body)).statement("0", 10)
