"""Never stuck: every state that is not final has a deadline and an owner, and what a lost event left is sent again."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from fundline.contracts.payloads import RiskScoringRequested
from fundline.contracts.topics import RISK_SCORING_REQUESTED
from fundline.domain.application import TERMINAL, ApplicationStatus
from fundline.domain.payment import FINISHED, PaymentState
from fundline.platform.clock import new_id
from fundline.records.status import lock_application, move_application
from fundline.services.reconciler.findings import Trouble
from fundline.services.reconciler.overdue import OverdueStates
from support.approved_applications import AT, payment_requested, store_application
from support.bank import bank_over_http, whole_statement
from support.books import assert_books_agree
from support.delivering import delivered_together
from support.payment import worker_on
from support.reconciler import audited, cases, lose_the_events, waiting_events
from support.scoring import CHAMPION, Bench, packaged_model
from support.stored import event_of, submitted_application

pytestmark = pytest.mark.integration

RUNBOOKS = Path(__file__).parents[3] / "docs" / "runbooks"
MINUTES = timedelta(minutes=1)
ASSESSED = """
insert into risk_assessments (application_id, assessment, risk_score, verdict, principal_reasons, evidence,
    model_version, policy_version, assessed_at)
values ($1, 1, 0.1, 'approved', '[]', '{}', 'm1', 'p1', $2)
"""
DISBURSEMENT = """
insert into disbursements (payment_id, application_id, amount_minor, currency, state, created_at, submitted_at,
    next_step_at)
values ($1, $2, 1250000, 'USD', $3, $4, $4, $4::timestamptz + interval '1 day')
"""


@pytest.fixture
def overdue(database) -> OverdueStates:
    return OverdueStates(database, attempts=2, batch=50)


async def test_every_state_that_is_not_final_has_a_deadline_an_owner_and_a_runbook(database):
    rows = await database.fetch("select what, state, owner, runbook from state_deadlines")
    expected = {("application", status.value) for status in ApplicationStatus if status not in TERMINAL}
    expected |= {("disbursement", state.value) for state in PaymentState if state not in FINISHED}
    assert expected <= {(row["what"], row["state"]) for row in rows}
    for row in rows:
        assert row["owner"]
        assert (RUNBOOKS / f"{row['runbook']}.md").exists(), row["runbook"]


async def test_nothing_is_overdue_before_its_deadline(overdue, database, box):
    await store_application(database, box, status="risk_scoring")
    assert await overdue.look(at=AT + 4 * MINUTES, full=False) == []


@pytest.mark.parametrize("status", ["processing", "risk_scoring"])
async def test_a_lost_request_for_a_score_is_sent_again_once_per_deadline(overdue, database, box, status):
    application_id = await store_application(database, box, status=status)
    (found,) = await overdue.look(at=AT + 6 * MINUTES, full=False)
    assert (found.trouble, found.subject, found.is_repaired) == (
        Trouble.APPLICATION_OVERDUE,
        str(application_id),
        True,
    )
    assert await waiting_events(database, application_id) == ["risk.scoring.requested"]
    assert await overdue.look(at=AT + 7 * MINUTES, full=False) == []
    assert await waiting_events(database, application_id) == ["risk.scoring.requested"]
    assert await audited(database, application_id) == ["application.helped_on"]


async def test_what_waits_in_the_outbox_is_not_lost(overdue, database, box):
    application_id = await submitted_application(database, box)
    (late,) = await database.fetch("select updated_at from applications")
    assert await overdue.look(at=late["updated_at"] + 60 * MINUTES, full=False) == []
    await lose_the_events(database)
    (found,) = await overdue.look(at=late["updated_at"] + 60 * MINUTES, full=False)
    assert found.subject == str(application_id)


async def test_after_a_bounded_number_of_attempts_a_person_gets_it(overdue, database, box):
    application_id = await store_application(database, box, status="risk_scoring")
    for minute in (6, 12):
        (found,) = await overdue.look(at=AT + minute * MINUTES, full=False)
        assert found.is_repaired
        await lose_the_events(database)
    for minute in (18, 19):
        (found,) = await overdue.look(at=AT + minute * MINUTES, full=False)
        assert (found.is_repaired, found.opened_case) == (False, minute == 18)
    assert await cases(database) == [("application_stuck", str(application_id))]
    assert await waiting_events(database, application_id) == []


async def test_a_case_closes_when_its_application_has_moved_on(overdue, database, box):
    application_id = await store_application(database, box, status="pending_review")
    (found,) = await overdue.look(at=AT + timedelta(days=4), full=False)
    assert (found.is_repaired, found.opened_case) == (False, True)
    async with database.transaction() as connection:
        application = await lock_application(connection, application_id)
        rejected, at = ApplicationStatus.REJECTED, AT + timedelta(days=4)
        await move_application(connection, application, rejected, at=at, actor="tests", new_id=new_id)
    assert await overdue.look(at=AT + timedelta(days=5), full=False) == []
    assert await cases(database) == []
    assert await cases(database, "resolved") == [("application_stuck", str(application_id))]
    assert (await audited(database, application_id))[-1] == "case.resolved"


@pytest.mark.parametrize("state", [None, "expected"])
async def test_an_approval_that_nobody_asked_to_be_paid_is_asked_for_again(overdue, database, box, state):
    application_id = await store_application(database, box)
    await database.execute(ASSESSED, application_id, AT)
    if state is not None:
        await database.execute(DISBURSEMENT, new_id(), application_id, state, AT)
    (found,) = await overdue.look(at=AT + 6 * MINUTES, full=False)
    assert found.is_repaired
    assert await waiting_events(database, application_id) == ["disbursement.requested"]
    (event,) = await database.fetch("select payload::jsonb ->> 'approvedBy' as approved_by from outbox")
    assert event["approved_by"] == "p1/m1"


async def test_an_approval_without_anybody_who_approved_is_given_to_a_person(overdue, database, box):
    application_id = await store_application(database, box)
    (found,) = await overdue.look(at=AT + 6 * MINUTES, full=False)
    assert not found.is_repaired
    assert await waiting_events(database, application_id) == []
    assert await cases(database) == [("application_stuck", str(application_id))]


@pytest.mark.breaks_the_books("the payment is put in without its postings")
@pytest.mark.parametrize("state", ["submitted", "unknown"])
async def test_a_payment_without_a_result_is_never_asked_for_again_but_given_to_a_person(
    overdue, database, box, state
):
    application_id, payment_id = await store_application(database, box), new_id()
    await database.execute(ASSESSED, application_id, AT)
    await database.execute(DISBURSEMENT, payment_id, application_id, state, AT)
    assert await overdue.look(at=AT + 14 * MINUTES, full=False) == []
    (found,) = await overdue.look(at=AT + 16 * MINUTES, full=False)
    assert (found.trouble, found.is_repaired) == (Trouble.PAYMENT_OVERDUE, False)
    assert await waiting_events(database, application_id) == []
    assert await cases(database) == [("payment_unknown", str(payment_id))]
    (due,) = await database.fetch("select next_step_at from disbursements")
    assert due["next_step_at"] == AT + 16 * MINUTES
    assert await audited(database, application_id) == ["payment.look_up_asked", "case.opened"]
    (again,) = await overdue.look(at=AT + 17 * MINUTES, full=False)
    assert (again.is_repaired, again.opened_case) == (False, False)
    assert (await database.fetch("select next_step_at from disbursements"))[0] == due


async def test_deadlines_are_data(overdue, database, owner, box):
    await store_application(database, box, status="risk_scoring")
    await owner.execute("update state_deadlines set deadline = '1 hour' where state = 'risk_scoring'")
    assert await overdue.look(at=AT + 59 * MINUTES, full=False) == []
    assert len(await overdue.look(at=AT + 61 * MINUTES, full=False)) == 1


async def test_an_application_whose_first_request_arrives_after_all_is_scored_once(
    overdue, database, cache, box
):
    """The request was not lost but late: both reach the workers, side by side."""
    application_id = await submitted_application(database, box)
    await lose_the_events(database)
    (late,) = await database.fetch("select updated_at from applications")
    (found,) = await overdue.look(at=late["updated_at"] + 6 * MINUTES, full=False)
    assert found.is_repaired
    bench = Bench(database, cache, fallback=packaged_model(CHAMPION))
    handlers = bench.handlers()
    payload = RiskScoringRequested(
        application_id=application_id, amount="50000.00", currency="USD", timestamp=AT
    )
    requests = [event_of(RISK_SCORING_REQUESTED, payload, application_id) for _ in range(2)]
    await delivered_together(handlers.scoring_requested, *requests)
    await bench.compute.close()
    assert len(await database.fetch("select 1 from risk_assessments")) == 1


async def test_an_approval_whose_first_request_arrives_after_all_is_paid_once(
    overdue, database, box, account_key_file, tmp_path
):
    application_id = await store_application(database, box)
    await database.execute(ASSESSED, application_id, AT)
    (found,) = await overdue.look(at=AT + 6 * MINUTES, full=False)
    assert found.is_repaired
    async with bank_over_http(tmp_path / "bank.sqlite") as bank_url:
        worker = worker_on(database, bank_url, account_key_file)
        requests = [payment_requested(application_id) for _ in range(2)]
        await delivered_together(worker.deliver, *requests)
        while await worker.sweep():
            pass
        await worker.client.close()
        await assert_books_agree(database, bank_url)
        assert len(await whole_statement(bank_url)) == 1


async def test_two_reconcilers_side_by_side_send_one_event(database, box):
    application_id = await store_application(database, box, status="risk_scoring")
    both = [OverdueStates(database, attempts=2, batch=50) for _ in range(2)]
    found = await asyncio.gather(*(one.look(at=AT + 6 * MINUTES, full=False) for one in both))
    assert await waiting_events(database, application_id) == ["risk.scoring.requested"]
    assert sum(map(len, found)) == 1
