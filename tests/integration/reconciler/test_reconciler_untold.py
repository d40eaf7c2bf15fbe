"""Who was not told because an event died is told all the same, once and as long as it is news."""

from datetime import timedelta
from uuid import UUID

import orjson
import pytest
from prometheus_client import CollectorRegistry

from fundline.contracts.topics import DISBURSEMENT_COMPLETED, STATUS_UPDATED, Group
from fundline.platform.clock import new_id
from fundline.platform.telemetry.metrics import Metrics
from fundline.records.audit_streams import application_stream
from fundline.services.notification_service.announcement import Announcement
from fundline.services.reconciler.findings import Trouble
from support.approved_applications import AT
from support.dead_letters import dead, kept_letter
from support.letter_story import state_of
from support.notifications import mail_only

pytestmark = [
    pytest.mark.integration,
    pytest.mark.breaks_the_books("payments are put in as records, without their postings"),
]

HOUR = timedelta(hours=1)
WANTS_MAIL = """
insert into notification_preferences (subscriber, email_address, email_enabled, email_statuses, webhooks_enabled,
    updated_at, email_confirmed)
values ('alice', 'alice@example.com', true, array['approved', 'disbursed'], true, $1, 'alice@example.com')
"""


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
