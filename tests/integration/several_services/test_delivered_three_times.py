"""Promise 13: every event delivered three times and shuffled gives the same final state."""

import json
import random
import uuid

import pytest
from prometheus_client import CollectorRegistry

from fundline.contracts.topics import (
    APPLICATIONS_CREATED,
    DISBURSEMENT_COMPLETED,
    DISBURSEMENT_REQUESTED,
    RISK_SCORING_COMPLETED,
    RISK_SCORING_REQUESTED,
    STATUS_UPDATED,
    TOPICS,
    Group,
)
from fundline.platform.cache import Cache, without_version
from fundline.platform.database import Database
from fundline.platform.secrets import SecretBox
from fundline.platform.telemetry.metrics import Metrics
from fundline.records.cached import STATUS
from fundline.services.application_api.handlers import ScoringCompleted
from fundline.services.status_api.reading import References, StatusReading
from fundline.services.status_api.schemas import from_cached_form
from fundline.services.status_api.write_through import WriteThrough
from support.bank import whole_statement
from support.books import assert_books_agree
from support.shuffled_bus import ShuffledBus
from support.stored import submitted_application

pytestmark = pytest.mark.integration

ELSEWHERE = {"notification-service"}
"""Groups whose effect is outside of the database; their own tests show that they tell nobody twice."""
APPLICANTS = {
    "sound": {},
    "cannot pay": {"figures.operatingMargin": "0.0100", "figures.monthlyDebtService": "90000.00"},
    "short of cash": {"figures.cashAtBank": "0.00"},
    "account closed": {"payoutAccount.accountNumber": "1234500002"},
}


@pytest.fixture
def handlers(database, cache, bench, worker):
    """By topic, every group that changes something, with its handler as its composition root wires it."""
    risk = bench.handlers()
    metrics = Metrics(CollectorRegistry())
    reading = StatusReading(database, cache, References(database), metrics, cached_s=60)
    status = WriteThrough(cache, reading, metrics, cached_s=60)
    return {
        APPLICATIONS_CREATED.name: [(Group.RISK_INTAKE, risk.application_created)],
        RISK_SCORING_REQUESTED.name: [(Group.RISK_WORKER, risk.scoring_requested)],
        RISK_SCORING_COMPLETED.name: [
            (Group.APPLICATION_EVENTS, ScoringCompleted(database)),
            (Group.DISBURSEMENT_WORKER, worker.deliver_score),
        ],
        DISBURSEMENT_REQUESTED.name: [(Group.DISBURSEMENT_WORKER, worker.deliver)],
        DISBURSEMENT_COMPLETED.name: [(Group.STATUS_SERVICE, status.disbursement_completed)],
        STATUS_UPDATED.name: [(Group.STATUS_SERVICE, status.status_updated)],
    }


async def submitted(database: Database, box: SecretBox) -> dict[str, uuid.UUID]:
    return {
        name: await submitted_application(database, box, **changes) for name, changes in APPLICANTS.items()
    }


async def final_state(database: Database, cache: Cache, application_id: uuid.UUID) -> dict[str, object]:
    """All that anybody can see of it in the end, but for ids and times."""
    history = await database.fetch(
        "select sequence, status from application_status_history where application_id = $1 order by sequence",
        application_id,
    )
    assessments = await database.fetch(
        "select assessment, verdict, risk_score::text from risk_assessments where application_id = $1",
        application_id,
    )
    payment = await database.fetchrow(
        "select state, failure_code, amount_minor from disbursements where application_id = $1",
        application_id,
    )
    transfers = await database.fetch(
        "select t.purpose from ledger_transfers t join disbursements d using (payment_id)"
        " where d.application_id = $1 order by t.purpose",
        application_id,
    )
    audited = await database.fetch(
        "select action from audit_entries where stream = $1 order by action", f"application:{application_id}"
    )
    cached = await cache.get(STATUS.key(str(application_id)))
    shown = from_cached_form(without_version(cached)) if cached is not None else None
    return {
        "history": [tuple(row) for row in history],
        "assessments": [tuple(row) for row in assessments],
        "payment": None if payment is None else tuple(payment),
        "transfers": [row["purpose"] for row in transfers],
        "audited": [row["action"] for row in audited],
        "shown": None if shown is None else json.loads(shown[1])["status"],
    }


@pytest.mark.parametrize("seed", range(5))
async def test_every_event_delivered_three_times_and_shuffled_gives_the_same_final_state(
    database, cache, account_key_file, handlers, bank_url, seed
):
    box = SecretBox(account_key_file)
    plain = await submitted(database, box)
    await ShuffledBus(database, handlers).run()
    expected = {name: await final_state(database, cache, id_) for name, id_ in plain.items()}
    assert {state["history"][-1][1] for state in expected.values()} >= {"disbursed", "rejected", "failed"}

    tripled = await submitted(database, box)
    bus = ShuffledBus(database, handlers, copies=3, shuffle=random.Random(seed))
    await bus.run()
    assert set(bus.delivered.values()) == {3}
    assert {name: await final_state(database, cache, id_) for name, id_ in tripled.items()} == expected
    await assert_books_agree(database, bank_url)
    paid = [line for line in await whole_statement(bank_url) if line["status"] == "settled"]
    wanted = [s for s in expected.values() if s["history"][-1][1] == "disbursed"]
    assert len(paid) == 2 * len(wanted)


def test_no_group_that_changes_something_is_left_out(handlers):
    covered = {(topic, group) for topic, groups in handlers.items() for group, _ in groups}
    declared = {(topic.name, group) for topic in TOPICS.values() for group in topic.groups}
    assert {pair for pair in declared if pair[1] not in ELSEWHERE} == covered
