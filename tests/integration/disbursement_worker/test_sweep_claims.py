"""Two sweeps side by side: a payment that one of them has taken is left alone by the other, and holds up nobody."""

from datetime import timedelta

import pytest

from fundline.domain.payment import WITH_THE_BANK
from fundline.platform.clock import utc_now
from fundline.services.disbursement_worker.store import CLAIM_DUE, claim_due
from support.approved_applications import AMOUNT, payment_requested, store_application

pytestmark = pytest.mark.integration
STATES = [state.value for state in WITH_THE_BANK]


@pytest.fixture
async def due(worker, database, box):
    """Three payments that are with the bank, and the time at which they are due."""
    for _ in range(3):
        event = payment_requested(await store_application(database, box))
        await worker.parts.payments.request(event.envelope.event_id, event.payload.application_id, AMOUNT)
    return utc_now() + timedelta(hours=1)


async def test_what_another_sweep_is_just_taking_is_skipped_and_not_waited_for(database, due):
    """Without `for no key update skip locked` the second sweep waited for the first, and then took the same rows."""
    later = due + timedelta(minutes=1)
    async with database.transaction() as first:
        taken = {
            row["payment_id"]
            for row in await first.fetch(*CLAIM_DUE(now=due, claimed_until=later, states=STATES, most=2))
        }
        others = await claim_due(database, now=due, claimed_until=later, states=WITH_THE_BANK, limit=16)
    assert len(taken) == 2
    assert {payment.payment_id for payment in others}.isdisjoint(taken)
    assert len(others) == 1


async def test_what_was_taken_is_not_due_again_before_its_time_and_then_it_is(database, due):
    later = due + timedelta(minutes=1)

    async def taken(at) -> int:
        until = at + timedelta(minutes=1)
        return len(await claim_due(database, now=at, claimed_until=until, states=WITH_THE_BANK, limit=16))

    assert await taken(due) == 3
    assert await taken(later - timedelta(microseconds=1)) == 0
    assert await taken(later) == 3, "due means reached, not passed"
