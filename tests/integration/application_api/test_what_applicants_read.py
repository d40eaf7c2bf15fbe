"""What a person of the lender writes freely is for the file: the applicant reads codes and our own sentences.

An underwriter's remark went word for word into the applicant's mail, status and webhook.
"""

import uuid

import pytest

from fundline.domain.review_reasons import ReviewReason, reasons_as_json, reviewed_because
from support.applications import application

pytestmark = pytest.mark.integration
REMARK = "Wants-to-buy-his-brother-out"
SHOWN_TO_APPLICANTS = (
    "select metadata::text as shown from application_status_history",
    "select payload::text as shown from outbox",
)


@pytest.fixture
async def referral(client, headers, database) -> str:
    made = (await client.post("/v1/applications", json=application(), headers=headers())).json()
    await database.execute(
        "update applications set status = 'pending_review', status_sequence = 3 where application_id = $1",
        uuid.UUID(made["id"]),
    )
    return f"/v1/applications/{made['id']}"


async def everything_shown(client, headers, database, path) -> str:
    read = await client.get(path, headers=headers())
    listed = await client.get("/v1/applications", headers=headers())
    rows = [row["shown"] for sql in SHOWN_TO_APPLICANTS for row in await database.fetch(sql)]
    return "\n".join([read.text, listed.text, *rows])


@pytest.mark.parametrize(
    ("deed", "body"),
    [
        ("decision", {"decision": "approve", "reason": REMARK}),
        ("decision", {"decision": "reject", "principalReasons": ["papers_missing"], "reason": REMARK}),
        ("assessments", {"reason": REMARK}),
    ],
)
async def test_a_remark_is_in_the_file_and_nowhere_else(client, headers, database, referral, deed, body):
    answer = await client.post(f"{referral}/{deed}", json=body, headers=headers("uma", "underwriter"))
    assert answer.is_success, answer.text
    assert REMARK not in await everything_shown(client, headers, database, referral)
    kept = await database.fetchrow("select count(*) as n from audit_entries where reason = $1", REMARK)
    assert kept["n"] == 1


async def test_a_rejection_is_told_by_its_codes_and_the_lender_reads_the_note_too(
    client, headers, database, referral
):
    codes = ["papers_missing", "figures_not_verified"]
    body = {"decision": "reject", "principalReasons": codes, "reason": REMARK}
    await client.post(f"{referral}/decision", json=body, headers=headers("uma", "underwriter"))
    told = reasons_as_json(reviewed_because(map(ReviewReason, codes)))
    for reader, note in ((headers(), None), (headers("ulf", "underwriter"), REMARK)):
        decided = (await client.get(referral, headers=reader)).json()["underwriterDecision"]
        assert (decided["principalReasons"], decided["reason"]) == (told, note)
    event = await database.fetchrow(
        "select payload from outbox where topic = 'status.updated' order by position desc limit 1"
    )
    assert all(reason["sentence"] in event["payload"] for reason in told)
