import asyncio
import uuid
from datetime import UTC, datetime

import jsonschema
import pytest

from fundline.manual.openapi import openapi_document
from fundline.platform.audit.trail import AuditEntry, record
from fundline.records.cases import CaseKind, NewCase, open_case, settle_case
from fundline.records.status import lock_application
from support.approved_applications import store_application

pytestmark = pytest.mark.integration
AT = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)


async def opened(database, kind: CaseKind, application_id: uuid.UUID | None = None) -> uuid.UUID:
    case_id = uuid.uuid4()
    async with database.transaction() as connection:
        case = NewCase(kind, f"subject-{case_id}", "A person must look.", application_id)
        await open_case(connection, case, case_id=case_id, opened_by="reconciler", at=AT)
    return case_id


@pytest.fixture
def resolve(operations, operator_headers):
    async def post(case_id: object, subject: str = "olga", resolution: str = "Seen and settled.", **more):
        return await operations.post(
            f"/v1/cases/{case_id}/resolve",
            json={"resolution": resolution},
            headers=operator_headers(subject, **more),
        )

    return post


async def until_somebody_waits(owner) -> None:
    async with asyncio.timeout(30):
        while not await owner.fetchval("select count(*) from pg_locks where not granted"):
            await asyncio.sleep(0.01)


async def actions(database) -> list[tuple[str, str, str]]:
    rows = await database.fetch(
        "select action, actor, reason from audit_entries where action like 'case.%' order by occurred_at, sequence"
    )
    return [tuple(row) for row in rows]


async def test_a_case_is_resolved_by_one_operator_with_a_reason_and_once(database, resolve):
    case_id = await opened(database, CaseKind.APPLICATION_STUCK)
    first = await resolve(case_id, key="settle-1")
    assert (first.status_code, first.json()["state"]) == (200, "resolved")
    assert first.json()["resolution"] == "Seen and settled."
    assert (await resolve(case_id, key="settle-1")).content == first.content
    again = await resolve(case_id)
    assert (again.status_code, again.json()["type"]) == (409, "urn:fundline:problem:case-resolved")
    assert ("case.resolved", "operations-api:olga", "Seen and settled.") in await actions(database)


@pytest.mark.parametrize("kind", [kind for kind in CaseKind if kind.is_about_money])
async def test_a_case_about_money_takes_two_people(database, resolve, kind):
    case_id = await opened(database, kind)
    proposed = (await resolve(case_id, "olga", "The bank says it was paid.")).json()
    assert (proposed["state"], proposed["proposedBy"]) == ("open", "olga")
    anew = (await resolve(case_id, "olga", "The bank says it was not paid.")).json()
    assert (anew["state"], anew["proposedResolution"]) == ("open", "The bank says it was not paid.")
    agreed = (await resolve(case_id, "omar", "I have seen the letter.")).json()
    assert (agreed["state"], agreed["resolvedBy"]) == ("resolved", "operations-api:omar")
    assert agreed["resolution"] == "The bank says it was not paid."
    assert [entry[:2] for entry in await actions(database)][1:] == [
        ("case.resolution_proposed", "operations-api:olga"),
        ("case.resolution_proposed", "operations-api:olga"),
        ("case.resolved", "operations-api:omar"),
    ]


async def test_nobody_settles_a_case_about_the_own_application(database, box, resolve):
    application_id = await store_application(database, box)
    case_id = await opened(database, CaseKind.APPLICATION_STUCK, application_id)
    answer = await resolve(case_id, "alice")
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:fundline:problem:second-person-needed")


async def test_only_operators_resolve(database, operations, operator_headers):
    case_id = await opened(database, CaseKind.OUTBOX_STUCK)
    for role in ("applicant", "partner", "underwriter", "compliance"):
        answer = await operations.post(
            f"/v1/cases/{case_id}/resolve", json={"resolution": "fine"}, headers=operator_headers("x", role)
        )
        assert answer.status_code == 403
    assert (
        await operations.get(f"/v1/cases/{case_id}", headers=operator_headers("x", "compliance"))
    ).status_code == 200


async def test_a_case_is_shown_as_the_document_says(database, resolve, operations, operator_headers):
    case_id = await opened(database, CaseKind.BANK_MISMATCH)
    await resolve(case_id)
    schema = {"$ref": "#/components/schemas/Case", "components": openapi_document()["components"]}
    told = (await operations.get(f"/v1/cases/{case_id}", headers=operator_headers())).json()
    jsonschema.Draft202012Validator(schema).validate(told)


async def test_who_resolves_a_case_waits_for_the_deed_that_ends_it_and_not_the_other_way_round(
    database, resolve, box, owner
):
    """The order of locks is application, payment, case, audit: with another one the two would wait for each other."""
    application_id = await store_application(database, box)
    case_id = await opened(database, CaseKind.PAYMENT_UNKNOWN, application_id)
    async with database.transaction() as connection:
        await lock_application(connection, application_id)
        deed = AuditEntry(f"application:{application_id}", "tests", "payment.settled", AT)
        await record(connection, deed)
        person = asyncio.create_task(resolve(case_id))
        await until_somebody_waits(owner)
        assert await settle_case(
            connection,
            CaseKind.PAYMENT_UNKNOWN,
            f"subject-{case_id}",
            by="tests",
            at=AT,
            resolution="The bank has spoken.",
        )
    answer = await person
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:fundline:problem:case-resolved")
