"""What a client reads while a table is locked, for maintenance or by a mistake: 503 and when to come again.

Submissions were told 409 "request-in-flight" while a table was locked, though no first request existed.
"""

import uuid

import pytest

from fundline.platform.database import Database
from support.applications import application

pytestmark = pytest.mark.integration
NEEDED = (
    "applications",
    "application_status_history",
    "audit_entries",
    "audit_streams",
    "disbursements",
    "idempotency_keys",
    "outbox",
    "reference_sectors",
    "risk_assessments",
    "state_deadlines",
    "underwriter_decisions",
)


async def referred(client, headers, database: Database) -> str:
    made = (await client.post("/v1/applications", json=application(), headers=headers())).json()
    await database.execute(
        "update applications set status = 'pending_review', status_sequence = 3 where application_id = $1",
        uuid.UUID(made["id"]),
    )
    return made["id"]


@pytest.mark.parametrize("table", NEEDED)
async def test_a_locked_table_is_503_with_a_time_to_come_again_and_the_key_stays_free(
    client, headers, database, owner, table
):
    referral = await referred(client, headers, database)
    requests = {
        "submit": ("POST", "/v1/applications", application(), headers(), 202),
        "decide": (
            "POST",
            f"/v1/applications/{referral}/decision",
            {"decision": "approve", "reason": "Papers seen"},
            headers("uma", "underwriter"),
            200,
        ),
        "show": ("GET", f"/v1/applications/{referral}", None, headers(), 200),
        "list": ("GET", "/v1/applications", None, headers(), 200),
    }
    refused = []
    async with owner.transaction():
        await owner.execute(f"lock table {table} in access exclusive mode")
        for name, (verb, path, body, own, well) in requests.items():
            answer = await client.request(verb, path, json=body, headers=own)
            if answer.status_code != well:
                assert (answer.status_code, answer.json()["type"]) == (
                    503,
                    "urn:fundline:problem:database-busy",
                )
                assert int(answer.headers["retry-after"]) >= 1
                refused.append(name)
    for name in refused:
        verb, path, body, own, well = requests[name]
        answer = await client.request(verb, path, json=body, headers=own)
        assert answer.status_code == well
        assert "idempotent-replayed" not in answer.headers, "the refusal was not kept"


async def test_a_record_that_somebody_works_at_is_409(client, headers, database):
    referral = await referred(client, headers, database)
    decision, own = {"decision": "approve", "reason": "Papers seen"}, headers("uma", "underwriter")
    async with database.transaction() as connection:
        await connection.execute(
            "select 1 from applications where application_id = $1 for update", uuid.UUID(referral)
        )
        busy = await client.post(f"/v1/applications/{referral}/decision", json=decision, headers=own)
    assert (busy.status_code, busy.json()["type"]) == (409, "urn:fundline:problem:application-busy")
    assert int(busy.headers["retry-after"]) >= 1
