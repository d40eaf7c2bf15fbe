"""Promise 3: one approval, at most one bank payment, wherever a worker dies. The id is stored before it is sent."""

from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fundline.banks.sandbox import SandboxBank
from fundline.platform.http.client import JsonClient
from support.approved_applications import payment_requested, store_application
from support.bank import whole_statement
from support.books import assert_books_agree
from support.mortal import Fuse, Killed, MortalBank, MortalDatabase
from support.payment import MovedClock, disbursement, worker_on

pytestmark = pytest.mark.integration
STEPS = 30
"""More than a delivery and a sweep take together, whatever the bank does."""
FAULTS = ("none", "silent_after_booking", "silent_before_booking", "broken")


@pytest.fixture
def lives(database, account_key_file, bank_url, conduct):
    """`await lives(event, clock, fuse, fault)`: one worker is born, gets the event, sweeps, and may die."""

    async def live(
        event, clock: MovedClock, burns: int | None, fault: str, *, redelivered: bool = True
    ) -> bool:
        fuse = Fuse(burns)
        client = JsonClient(bank_url, timeout_s=0.15 if fault.startswith("silent") else 5.0)
        if fault != "none":
            setattr(conduct, fault, True)
        bank = MortalBank(SandboxBank(client), fuse)
        worker = worker_on(MortalDatabase(database, fuse), bank_url, account_key_file, bank=bank, clock=clock)
        try:
            if redelivered:
                await worker.deliver(event)
            await worker.sweep()
        except Killed:
            return True
        finally:
            if fault != "none":
                setattr(conduct, fault, False)
            await client.close()
            await worker.client.close()
        return False

    return live


async def heal(lives, event, clock, database, application_id) -> None:
    """Workers that do not die, until nothing is left to do."""
    for _ in range(5):
        await lives(event, clock, None, "none")
        if (await disbursement(database, application_id))["state"] == "settled":
            return


async def assert_paid_once(database, bank_url, application_id, seen: set) -> None:
    row = await disbursement(database, application_id)
    assert row["state"] == "settled"
    assert seen <= {(row["payment_id"], row["order_text"])}, "its id or its order has changed"
    bookings = [line for line in await whole_statement(bank_url) if line["reference"] == str(application_id)]
    assert [line["paymentId"] for line in bookings] == [str(row["payment_id"])]


async def look(database, application_id, seen: set) -> None:
    """Remember what is on record; what has been submitted must never change."""
    row = await disbursement(database, application_id)
    if row is not None and row["order_text"] is not None:
        seen.add((row["payment_id"], row["order_text"]))


@pytest.mark.parametrize("fault", ["none", "silent_after_booking", "broken"])
async def test_promise_3_a_worker_killed_at_any_step_pays_once(lives, database, box, bank_url, fault):
    died = True
    for burns in range(STEPS):
        application_id = await store_application(database, box)
        event, clock, seen = payment_requested(application_id), MovedClock(), set()
        died = await lives(event, clock, burns, fault)
        await look(database, application_id, seen)
        await heal(lives, event, clock, database, application_id)
        await assert_paid_once(database, bank_url, application_id, seen)
        if not died:
            break
    assert not died, "every step was tried: the last worker had none left to die at"
    await assert_books_agree(database, bank_url)


LIVES = st.lists(
    st.tuples(st.integers(0, STEPS), st.sampled_from(FAULTS), st.booleans()), min_size=1, max_size=5
)


@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(LIVES)
async def test_promise_3_workers_that_die_again_and_again_in_any_order_of_faults_pay_once(
    lives, database, box, bank_url, several
):
    application_id = await store_application(database, box)
    event, clock, seen = payment_requested(application_id), MovedClock(), set()
    for burns, fault, redelivered in several:
        with suppress(Killed):
            await lives(event, clock, burns, fault, redelivered=redelivered)
        await look(database, application_id, seen)
    await heal(lives, event, clock, database, application_id)
    await assert_paid_once(database, bank_url, application_id, seen)
    await assert_books_agree(database, bank_url)
