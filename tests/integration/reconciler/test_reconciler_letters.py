"""Dead letters whose matter is finished close with the reason, and who was not told for one is told all the same."""

from datetime import timedelta
from uuid import UUID

import orjson
import pytest
from prometheus_client import CollectorRegistry

from fundline.contracts.payloads import (
    ApplicationCreated,
    DisbursementCompleted,
    Payload,
    RiskScoringCompleted,
    RiskScoringRequested,
    StatusUpdated,
)
from fundline.contracts.topics import (
    APPLICATIONS_CREATED,
    DISBURSEMENT_COMPLETED,
    DISBURSEMENT_REQUESTED,
    RISK_SCORING_COMPLETED,
    RISK_SCORING_REQUESTED,
    RISK_SCORING_REQUESTED_EXPRESS,
    STATUS_UPDATED,
    Group,
    every_topic,
)
from fundline.platform.clock import new_id
from fundline.platform.database import Database
from fundline.platform.telemetry.metrics import Metrics
from fundline.records.audit_streams import application_stream
from fundline.services.dead_letter_keeper.keeper import WaitingLetters
from fundline.services.dead_letter_keeper.metrics import DeadLetterMetrics
from fundline.services.notification_service.announcement import Announcement
from fundline.services.reconciler.findings import Trouble
from fundline.services.reconciler.letters import DeadLetters
from support.approved_applications import AMOUNT, AT, store_application
from support.dead_letters import dead, kept_letter, payment_asked
from support.notifications import mail_only
from support.reconciler import audited, cases

pytestmark = [
    pytest.mark.integration,
    pytest.mark.breaks_the_books("payments are put in as records, without their postings"),
]

HOUR = timedelta(hours=1)
CHANGED = """
insert into application_status_history (application_id, sequence, status, occurred_at, actor, metadata)
values ($1, $2, $3, $4, 'tests', '{"by": "policy"}')
"""
ASSESSED = """
insert into risk_assessments (application_id, assessment, risk_score, verdict, principal_reasons, evidence,
    model_version, policy_version, assessed_at)
values ($1, 1, 0.1, 'approved', '[]', '{}', 'm1', 'p1', $2)
"""
DISBURSEMENT = """
insert into disbursements (payment_id, application_id, amount_minor, currency, state, created_at, submitted_at,
    transaction_id, failure_code, finished_at, next_step_at, order_text, requested_at, approved_by)
values ($1, $2, $3, $4, $5::text, $6::timestamptz,
    case when $5::text in ('submitted', 'settled') then $6::timestamptz end,
    case when $5::text = 'settled' then 'txn_1' end, null, case when $5::text = 'settled' then $6::timestamptz end,
    case when $5::text = 'submitted' then $6::timestamptz end, '{}', $6::timestamptz, 'policy')
"""
WANTS_MAIL = """
insert into notification_preferences (subscriber, email_address, email_enabled, email_statuses, webhooks_enabled,
    updated_at)
values ('alice', 'alice@example.com', true, array['approved', 'disbursed'], true, $1)
"""


class Story:
    """One application whose events die, and what happens to it meanwhile."""

    def __init__(self, database: Database, application_id: UUID) -> None:
        self.database, self.id, self.payment_id = database, application_id, new_id()

    async def becomes(self, status: str) -> None:
        await self.database.execute(
            "update applications set status = $2 where application_id = $1", self.id, status
        )

    async def has_payment(self, state: str) -> None:
        await self.database.execute(
            DISBURSEMENT, self.payment_id, self.id, AMOUNT.amount_minor, AMOUNT.currency, state, AT
        )

    async def has_history(self) -> None:
        for sequence, status in enumerate(("processing", "risk_scoring", "approved"), 1):
            await self.database.execute(CHANGED, self.id, sequence, status, AT)

    async def was_assessed(self) -> None:
        await self.database.execute(ASSESSED, self.id, AT)

    def payload(self, topic: str, **changes: object) -> bytes:
        money = {"amount": AMOUNT.text(), "currency": AMOUNT.currency}
        base = {"application_id": self.id, "timestamp": AT}
        made: dict[str, tuple[type[Payload], dict[str, object]]] = {
            APPLICATIONS_CREATED.name: (ApplicationCreated, {"user_id": "alice", **money}),
            RISK_SCORING_REQUESTED.name: (RiskScoringRequested, money),
            RISK_SCORING_REQUESTED_EXPRESS.name: (RiskScoringRequested, money),
            RISK_SCORING_COMPLETED.name: (
                RiskScoringCompleted,
                {"risk_score": "0.1", "status": "approved", "model_version": "m1", "policy_version": "p1"},
            ),
            DISBURSEMENT_COMPLETED.name: (
                DisbursementCompleted,
                {"status": "completed", "transaction_id": "txn_1", "payment_id": self.payment_id, **money},
            ),
            STATUS_UPDATED.name: (
                StatusUpdated,
                {
                    "status": "approved",
                    "sequence": 3,
                    "tracking_id": f"FL-{self.id.hex[-12:]}",
                    "user_id": "alice",
                    "metadata": {"by": "policy"},
                },
            ),
        }
        if topic == DISBURSEMENT_REQUESTED.name:
            return payment_asked(self.id, str(changes.get("amount", AMOUNT.text())))
        kind, fields = made[topic]
        return kind(**{**base, **fields, **changes}).wire()


@pytest.fixture
async def story(database, box) -> Story:
    return Story(database, await store_application(database, box, status="processing"))


@pytest.fixture
def letters(database) -> DeadLetters:
    return DeadLetters(database, attempts=2, batch=2, tell_within=24 * HOUR, pause=HOUR / 12)


async def state_of(database, letter_id) -> tuple[str, str, str | None]:
    row = await database.fetchrow(
        "select state, reason, settled_by from dead_letters where dead_letter_id = $1", letter_id
    )
    return row["state"], row["reason"], row["settled_by"]


async def begun(story):
    await story.becomes("risk_scoring")


async def decided(story):
    await story.becomes("approved")


async def asked_for(story):
    await story.has_payment("submitted")


async def paid(story):
    await story.becomes("disbursed")
    await story.database.execute("update disbursements set state = 'settled', transaction_id = 'txn_1',"
                                 " finished_at = now(), next_step_at = null")  # fmt: skip


async def nothing(story):
    """It is on record already."""


HAPPENS = {
    (APPLICATIONS_CREATED, Group.RISK_INTAKE): [begun],
    (RISK_SCORING_REQUESTED, Group.RISK_WORKER): [begun, decided],
    (RISK_SCORING_REQUESTED_EXPRESS, Group.RISK_WORKER_EXPRESS): [begun, decided],
    (RISK_SCORING_COMPLETED, Group.APPLICATION_EVENTS): [decided, asked_for],
    (RISK_SCORING_COMPLETED, Group.DISBURSEMENT_WORKER): [decided, asked_for],
    (DISBURSEMENT_REQUESTED, Group.DISBURSEMENT_WORKER): [decided, asked_for, paid],
    (DISBURSEMENT_COMPLETED, Group.STATUS_SERVICE): [decided, asked_for, paid],
    (STATUS_UPDATED, Group.STATUS_SERVICE): [nothing],
}
"""What has to happen, in order, until the letter is finished: before the last of it, it is open."""


def test_every_group_of_every_topic_has_an_end():
    told = {(topic.name, group) for topic, group in HAPPENS}
    every = {(topic.name, group) for topic in every_topic() for group in topic.groups}
    by_the_inbox = {
        (topic.name, Group.NOTIFICATION_SERVICE) for topic in (STATUS_UPDATED, DISBURSEMENT_COMPLETED)
    }
    assert told | by_the_inbox == every


@pytest.mark.parametrize(("topic", "group"), HAPPENS, ids=lambda value: getattr(value, "name", value))
async def test_a_letter_closes_with_the_reason_once_what_it_was_about_has_happened(
    letters, database, story, topic, group
):
    await story.has_history()
    await story.was_assessed()
    letter = await kept_letter(database, dead(topic, group, key=story.id, payload=story.payload(topic.name)))
    *before, last = HAPPENS[topic, group]
    for happens in before:
        await happens(story)
        assert await letters.look(at=AT + HOUR, full=False) == []
        assert (await state_of(database, letter))[0] == "open"
    await last(story)
    (found,) = await letters.look(at=AT + HOUR, full=False)
    assert (found.trouble, found.subject, found.is_repaired) == (Trouble.LETTER_FINISHED, str(letter), True)
    state, reason, by = await state_of(database, letter)
    assert (state, by) == ("resolved", "reconciler")
    assert reason == found.sentence != ""
    assert await audited(database, story.id) == [
        "deadletter.kept",
        *(["case.opened"] if topic.moves_money else []),
        "deadletter.resolved",
        *(["case.resolved"] if topic.moves_money else []),
    ]
    assert await cases(database) == []
    metrics = Metrics(CollectorRegistry())
    await WaitingLetters(database, metrics, every_s=60).turn()
    assert metrics.of(DeadLetterMetrics).dead_letters_waiting.labels(topic.name)._value.get() == 0
    assert await letters.look(at=AT + HOUR, full=False) == []


@pytest.mark.parametrize(
    ("topic", "group", "changes"),
    [
        (APPLICATIONS_CREATED, Group.RISK_INTAKE, {"amount": "1.00"}),
        (RISK_SCORING_REQUESTED, Group.RISK_WORKER, {"currency": "EUR"}),
        (RISK_SCORING_COMPLETED, Group.APPLICATION_EVENTS, {"status": "rejected"}),
        (RISK_SCORING_COMPLETED, Group.APPLICATION_EVENTS, {"assessment": 2}),
        (DISBURSEMENT_REQUESTED, Group.DISBURSEMENT_WORKER, {"amount": "12500.01"}),
        (DISBURSEMENT_COMPLETED, Group.STATUS_SERVICE, {"transaction_id": "txn_2"}),
        (STATUS_UPDATED, Group.STATUS_SERVICE, {"status": "rejected"}),
        (STATUS_UPDATED, Group.NOTIFICATION_SERVICE, {"metadata": {"by": "somebody"}}),
        (STATUS_UPDATED, Group.NOTIFICATION_SERVICE, {"sequence": 9}),
    ],
)
async def test_an_event_that_says_something_else_than_the_records_stays_for_a_person(
    letters, database, story, topic, group, changes
):
    await story.has_history()
    await story.was_assessed()
    await story.has_payment("settled")
    await story.becomes("disbursed")
    event_id = new_id()
    payload = story.payload(topic.name, **changes)
    letter = await kept_letter(database, dead(topic, group, key=story.id, payload=payload, event_id=event_id))
    await database.execute("insert into inbox (consumer, event_id) values ($1, $2)", str(group), event_id)
    assert await letters.look(at=AT + HOUR, full=True) == []
    assert (await state_of(database, letter))[0] == "open"


async def test_a_letter_that_nobody_can_read_or_that_is_about_nothing_of_ours_stays(letters, database, story):
    unread = await kept_letter(database, dead(key=story.id, payload=b"\xff{"))
    foreign = await kept_letter(database, dead())
    assert await letters.look(at=AT + HOUR, full=False) == []
    assert {(await state_of(database, letter))[0] for letter in (unread, foreign)} == {"open"}


async def test_a_letter_that_somebody_acts_on_is_left_alone(letters, database, story):
    await story.has_history()
    delivery = dead(key=story.id, payload=story.payload(STATUS_UPDATED.name))
    letter = await kept_letter(database, delivery)
    async with database.transaction() as connection:
        await connection.execute("select 1 from dead_letters where dead_letter_id = $1 for update", letter)
        assert await letters.look(at=AT + HOUR, full=False) == []
    assert len(await letters.look(at=AT + HOUR, full=False)) == 1


async def test_more_letters_than_a_batch_are_all_looked_at(letters, database, story):
    await story.has_history()
    for _ in range(5):
        await kept_letter(database, dead(key=story.id, payload=story.payload(STATUS_UPDATED.name)))
    assert len(await letters.look(at=AT + HOUR, full=False)) == 5


async def sent_again(database, story) -> list[tuple[str, UUID]]:
    rows = await database.fetch(
        "select topic, event_id from outbox where key = $1 order by position", story.id
    )
    return [(row["topic"], row["event_id"]) for row in rows]


async def told(database, story) -> list[tuple[str, str]]:
    rows = await database.fetch(
        "select kind, recipient from notifications where application_id = $1 order by place", story.id
    )
    return [(row["kind"], row["recipient"]) for row in rows]


@pytest.mark.parametrize("topic", [STATUS_UPDATED, DISBURSEMENT_COMPLETED], ids=lambda topic: topic.name)
async def test_who_was_not_told_because_the_event_died_is_told_once(letters, database, story, topic):
    """`inbox` locked for 40 s made dead letters, and their owners never heard what had become of their money."""
    await database.execute(WANTS_MAIL, AT)
    await story.has_history()
    await story.has_payment("settled")
    event_id = new_id()
    payload = story.payload(topic.name)
    delivery = dead(topic, Group.NOTIFICATION_SERVICE, key=story.id, payload=payload, event_id=event_id)
    letter = await kept_letter(database, delivery)
    (found,) = await letters.look(at=AT + HOUR, full=False)
    assert (found.trouble, found.is_repaired) == (Trouble.OWNER_UNTOLD, True)
    assert await sent_again(database, story) == [(topic.retry(Group.NOTIFICATION_SERVICE), event_id)]
    assert await letters.look(at=AT + HOUR, full=False) == [], "it is on its way"

    (again,) = await database.fetch("select payload from outbox")
    assert orjson.loads(again["payload"]) == orjson.loads(payload)
    announcement = Announcement(
        database,
        mail_only(database),
        told_within=72 * HOUR,
        metrics=Metrics(CollectorRegistry()),
        now=lambda: AT + HOUR,
    )
    handle = announcement.status_updated if topic is STATUS_UPDATED else announcement.disbursement_completed
    event = topic.payload.model_validate_json(again["payload"])
    await handle(event_id, event)
    await handle(event_id, event)  # the letter's replay by a person, or the reconciler's second
    kind = "approved" if topic is STATUS_UPDATED else "paid"
    assert await told(database, story) == [(kind, "alice")]

    (closed,) = await letters.look(at=AT + HOUR, full=False)
    assert closed.trouble is Trouble.LETTER_FINISHED
    assert (await state_of(database, letter))[0] == "resolved"
    stream = await database.fetch(
        "select action from audit_entries where stream = $1 order by sequence", application_stream(story.id)
    )
    assert "notification.sent_again" in [row["action"] for row in stream]


async def test_what_is_no_news_any_more_is_not_told(letters, database, story):
    await story.has_history()
    payload = story.payload(STATUS_UPDATED.name)
    letter = await kept_letter(
        database, dead(STATUS_UPDATED, Group.NOTIFICATION_SERVICE, key=story.id, payload=payload)
    )
    assert await letters.look(at=AT + 25 * HOUR, full=True) == []
    assert await sent_again(database, story) == []
    assert (await state_of(database, letter))[0] == "open"


async def test_an_event_that_dies_each_time_is_sent_again_a_few_times_only(letters, database, story):
    await story.has_history()
    payload, event_id = story.payload(STATUS_UPDATED.name), new_id()
    for day in range(5):
        await kept_letter(
            database,
            dead(
                STATUS_UPDATED, Group.NOTIFICATION_SERVICE, key=story.id, payload=payload, event_id=event_id
            ),
        )
        await letters.look(at=AT + (day + 1) * HOUR, full=False)
    assert len(await sent_again(database, story)) == 2, "as many as `attempts`"
