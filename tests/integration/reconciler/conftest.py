from datetime import timedelta

import pytest

from fundline.banks.sandbox import SandboxBank
from fundline.domain.payment import PaymentState
from fundline.services.reconciler.bank import BankComparison
from fundline.services.reconciler.letters import DeadLetters
from fundline.services.reconciler.statement import Statement
from support.approved_applications import store_application
from support.ledger import open_payment, reach
from support.letter_story import Story
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


@pytest.fixture
async def story(database, box) -> Story:
    return Story(database, await store_application(database, box, status="processing"))


@pytest.fixture
def letters(database) -> DeadLetters:
    return DeadLetters(
        database, attempts=2, batch=2, tell_within=timedelta(hours=24), pause=timedelta(minutes=5)
    )


@pytest.fixture
def comparison(database, bank) -> BankComparison:
    return BankComparison(
        database, Statement(database, SandboxBank(bank), page=2), grace_s=60, lookback_h=48, batch=50
    )
