import pytest

from fundline.domain.payment import PaymentState
from support.ledger import open_payment, reach
from support.reconciler import WrittenStatement


@pytest.fixture
def bank() -> WrittenStatement:
    return WrittenStatement()


@pytest.fixture
def pay(database):
    """A payment in a final state of ours, or on its way."""

    async def make(state=PaymentState.SETTLED):
        payment_id = await open_payment(database)
        for step in dict.fromkeys((PaymentState.SUBMITTED, state)):
            await reach(database, payment_id, step)
        return payment_id

    return make
