import uuid
from typing import Any

import pytest

from fundline.commands.audit.coverage import check_coverage
from fundline.commands.audit.view import story_lines
from fundline.contracts.roles import Role
from fundline.platform.cache import open_cache
from fundline.platform.clock import new_id, utc_now
from fundline.platform.identity import Caller
from fundline.platform.settings import CacheSettings
from fundline.records.cases import CaseKind, NewCase, open_case
from fundline.records.model_changes import record_change
from fundline.records.story import find_application, story_of
from fundline.services.application_api.reassessment import Reassessment
from fundline.services.application_api.review import Review
from fundline.services.application_api.schemas import DecisionRequest, ReassessmentRequest
from fundline.services.operations_api.audit.answers import AuditTrailPage
from support.scoring import Bench, packaged_model
from support.stored import submitted_application
from support.writes import once

UMA = Caller("uma", Role.UNDERWRITER)


async def gaps(database) -> list[tuple[str, str | None]]:
    return [(finding.kind, finding.stream) async for finding in check_coverage(database)]


@pytest.fixture
async def reviewed(engines, trail, box) -> uuid.UUID:
    """An application that was scored, referred, scored again, and approved by uma."""
    database = trail.database
    cache = await open_cache(CacheSettings(cache_url=engines.cache_url, cache_timeout_ms=1000))
    bench = Bench(database, cache, packaged_model("scorecard-2"))
    scoring = bench.scoring()
    application_id = await submitted_application(database, box, **{"figures.annualRevenue": None})
    await scoring.score(application_id, event_id=new_id())
    away = ReassessmentRequest(reason="The model was away.")
    await Reassessment(database).request(UMA, application_id, away, once("uma"))
    await scoring.score(application_id, event_id=new_id())
    approval = DecisionRequest(decision="approve", reason="Accounts seen.")
    await Review(database).decide(UMA, application_id, approval, once("uma"))
    await bench.compute.close()
    await cache.close()
    return application_id


async def test_an_applications_story_is_told_in_order_with_who_and_why(trail, reviewed):
    story = await story_of(trail.database, reviewed)
    assert [(entry["action"], entry["process"], entry["subject"]) for entry in story] == [
        ("application.processing", "application-api", "alice"),
        ("application.risk_scoring", "risk-worker", None),
        ("assessment.recorded", "risk-worker", None),
        ("application.pending_review", "risk-worker", None),
        ("reassessment.requested", "application-api", "uma"),
        ("application.risk_scoring", "application-api", "uma"),
        ("assessment.recorded", "risk-worker", None),
        ("application.pending_review", "risk-worker", None),
        ("review.decided", "application-api", "uma"),
        ("application.approved", "application-api", "uma"),
    ]
    assert story[4]["reason"] == "The model was away."
    assert story[8]["reason"] == "Accounts seen."
    assert story[2]["evidenceHash"] is not None


async def test_the_story_reads_as_text(trail, reviewed):
    found = await find_application(trail.database, str(reviewed))
    story = {
        "applicationId": str(reviewed),
        "trackingId": found["tracking_id"],
        "userId": found["user_id"],
        "status": found["status"],
        "entries": await story_of(trail.database, reviewed),
    }
    text = "\n".join(story_lines(story))
    assert text.startswith(f"Application {found['tracking_id']} of alice, now approved")
    assert "application-api for uma" in text
    assert "why: Accounts seen." in text
    assert text.endswith("10 of them wait for their anchor.")


async def test_everything_that_happened_has_its_entry(trail, reviewed):
    database = trail.database
    async with database.transaction() as connection:
        case = NewCase(CaseKind.APPLICATION_STUCK, "x", "It stands still.", reviewed)
        await open_case(connection, case, case_id=new_id(), opened_by="tests", at=utc_now())
        await record_change(
            connection, "promoted", "scorecard-2", source="tests", actor="uma", reason="Better."
        )
    assert await gaps(database) == []
    await trail.anchor()
    assert await trail.findings() == []


@pytest.mark.parametrize(
    "action",
    ["application.pending_review", "assessment.recorded", "review.decided", "application.processing"],
)
async def test_an_entry_that_was_never_written_is_missed(trail, reviewed, action):
    """Somebody who leaves out an entry and makes the whole chain anew before it is anchored is found like this."""
    await trail.superuser.execute("delete from audit_entries where action = $1", action)
    assert set(await gaps(trail.database)) == {("not_covered", f"application:{reviewed}")}


async def test_a_decision_under_another_name_or_reason_is_missed(trail, reviewed):
    await trail.superuser.execute("update underwriter_decisions set decided_by = 'mallory'")
    assert await gaps(trail.database) == [("not_covered", f"application:{reviewed}")]


PAYMENT = """
insert into disbursements (payment_id, application_id, amount_minor, currency, state, created_at, requested_at)
values ('0192f000-0000-7000-8000-000000000001', $1, 100, 'USD', 'requested', now(), now())
"""
RELEASE = "update disbursements set released_by = 'otto', released_at = now(), release_reason = 'Seen.'"
CLOSE = "update cases set state = 'resolved', resolved_by = 'otto', resolved_at = now(), resolution = 'Seen.'"
LETTER = """
insert into dead_letters (dead_letter_id, topic, consumer_group, key, payload, headers, cause, attempts,
    first_failed_at, last_failed_at, moves_money, state, settled_by, settled_at)
values ('0192f000-0000-7000-8000-000000000001', 't', 'g', 'k', '', '{}', 'c', 1, now(), now(), false, 'discarded',
    'otto', now())
"""


async def test_a_payment_and_its_release_are_missed_when_nobody_recorded_them(trail, reviewed):
    stream = f"application:{reviewed}"
    await trail.superuser.execute(PAYMENT, reviewed)
    assert await gaps(trail.database) == [("not_covered", stream)]
    await trail.superuser.execute(RELEASE)
    assert await gaps(trail.database) == [("not_covered", stream)] * 2


async def test_the_end_of_a_case_is_missed_when_nobody_recorded_it(trail, reviewed):
    async with trail.database.transaction() as connection:
        case = NewCase(CaseKind.OUTBOX_STUCK, "outbox", "It stands still.")
        await open_case(connection, case, case_id=new_id(), opened_by="tests", at=utc_now())
    await trail.superuser.execute(CLOSE)
    assert await gaps(trail.database) == [("not_covered", "case:outbox")]


async def test_a_dead_letter_and_what_became_of_it_are_missed_when_nobody_recorded_them(trail):
    await trail.superuser.execute(LETTER)
    assert (
        await gaps(trail.database)
        == [("not_covered", "dead-letter:0192f000-0000-7000-8000-000000000001")] * 2
    )


async def test_edited_evidence_is_found(trail, reviewed):
    edit = """
    update risk_assessments set evidence = jsonb_set(evidence, '{facts,amount}', '"1.00"') where assessment = 2
    """
    await trail.superuser.execute(edit)
    assert await gaps(trail.database) == [("evidence_changed", f"application:{reviewed}")]


async def test_details_that_are_no_json_do_not_stop_the_search(trail, reviewed):
    await trail.superuser.execute(
        "update audit_entries set details = 'nonsense' where action = 'review.decided'"
    )
    assert await gaps(trail.database) == [("not_covered", f"application:{reviewed}")]


@pytest.fixture
def read(operations, headers):
    async def get(path: str, role: str) -> Any:
        return await operations.get(path, headers=headers("carl", role, key=""))

    return get


@pytest.mark.parametrize("role", ["compliance", "operator"])
async def test_compliance_and_operators_read_the_trail_page_by_page_and_their_reading_is_on_record(
    read, trail, reviewed, role
):
    first = (await read(f"/v1/audit/{reviewed}?limit=7", role)).json()
    tracking_id = first["trackingId"].lower()
    rest = (await read(f"/v1/audit/{tracking_id}?limit=7&after={first['nextAfter']}", role)).json()
    assert [entry["sequence"] for entry in first["entries"] + rest["entries"]] == list(range(1, 11))
    assert rest["nextAfter"] is None
    AuditTrailPage.model_validate(first)
    reads = await trail.database.fetch(
        "select actor, action from audit_entries where stream = $1", f"reading:{reviewed}"
    )
    assert [tuple(read) for read in reads] == [("operations-api:carl", "audit.read")] * 2


@pytest.mark.parametrize("role", ["applicant", "partner", "underwriter"])
async def test_nobody_else_reads_the_trail(read, reviewed, role):
    assert (await read(f"/v1/audit/{reviewed}", role)).status_code == 403


async def test_the_trail_of_an_application_that_is_not_there_is_not_found(read):
    for reference in (uuid.uuid4(), "FL-0000-0000-00000"):
        assert (await read(f"/v1/audit/{reference}", "compliance")).status_code == 404
