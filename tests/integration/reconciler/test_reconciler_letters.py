"""Dead letters whose matter is finished close with the reason."""

from datetime import timedelta

import pytest
from prometheus_client import CollectorRegistry

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
from fundline.platform.telemetry.metrics import Metrics
from fundline.services.dead_letter_keeper.keeper import WaitingLetters
from fundline.services.dead_letter_keeper.metrics import DeadLetterMetrics
from fundline.services.reconciler.findings import Trouble
from support.approved_applications import AT
from support.dead_letters import dead, kept_letter
from support.letter_story import state_of
from support.reconciler import audited, cases

pytestmark = [
    pytest.mark.integration,
    pytest.mark.breaks_the_books("payments are put in as records, without their postings"),
]

HOUR = timedelta(hours=1)


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
