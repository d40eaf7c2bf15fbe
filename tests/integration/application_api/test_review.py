import asyncio

import pytest

from support.applications import application
from support.delivering import answered
from support.referrals import refer

pytestmark = pytest.mark.integration
UNVERIFIED = ["figures_not_verified"]


async def test_an_underwriter_approves_a_referral_and_asks_for_the_payment(client, headers, database):
    made = (await client.post("/v1/applications", json=application(), headers=headers())).json()
    await refer(database, made["id"])
    body = {"decision": "approve", "reason": "Collateral seen on site"}
    key = headers("uma", "underwriter", key="decide-1")
    first = await client.post(f"/v1/applications/{made['id']}/decision", json=body, headers=key)
    again = await client.post(f"/v1/applications/{made['id']}/decision", json=body, headers=key)
    assert first.status_code == 200
    assert first.json() == {"id": made["id"], "status": "approved"}
    assert again.content == first.content
    topics = [
        row["topic"] for row in await database.fetch("select topic from outbox order by position offset 3")
    ]
    assert topics == ["status.updated", "disbursement.requested"]


async def test_an_application_is_decided_once(client, headers, database):
    made = (await client.post("/v1/applications", json=application(), headers=headers())).json()
    body = {"decision": "reject", "principalReasons": UNVERIFIED, "reason": "Figures do not add up"}
    path = f"/v1/applications/{made['id']}/decision"
    early = await client.post(path, json=body, headers=headers("uma", "underwriter"))
    assert (early.status_code, early.json()["type"]) == (409, "urn:fundline:problem:not-under-review")
    await refer(database, made["id"])
    keys = [headers(name, "underwriter") for name in ("uma", "ulf")]
    both = await asyncio.gather(
        *(answered(lambda key=key: client.post(path, json=body, headers=key)) for key in keys)
    )
    assert sorted(answer.status_code for answer in both) == [200, 409]


async def test_only_an_underwriter_decides_and_never_the_own_application(client, headers, database):
    made = (
        await client.post("/v1/applications", json=application(), headers=headers("uma", "partner"))
    ).json()
    await refer(database, made["id"])
    body = {"decision": "approve", "reason": "I like it"}
    for role in ("applicant", "partner", "operator", "compliance"):
        answer = await client.post(
            f"/v1/applications/{made['id']}/decision", json=body, headers=headers("x", role)
        )
        assert answer.status_code == 403
    own = await client.post(
        f"/v1/applications/{made['id']}/decision", json=body, headers=headers("uma", "underwriter")
    )
    assert own.status_code == 403


async def test_a_decision_that_came_too_early_may_be_repeated_under_its_key(client, headers, database):
    """An application that is processed is a referral in a moment: that refusal does not bind the key."""
    made = (await client.post("/v1/applications", json=application(), headers=headers())).json()
    body = {"decision": "reject", "principalReasons": UNVERIFIED, "reason": "Figures do not add up"}
    path, key = f"/v1/applications/{made['id']}/decision", headers("uma", "underwriter", key="again")
    early = await client.post(path, json=body, headers=key)
    assert (early.status_code, early.headers["retry-after"]) == (409, "1")
    await refer(database, made["id"])
    decided = await client.post(path, json=body, headers=key)
    assert (decided.status_code, "idempotent-replayed" in decided.headers) == (200, False)


async def test_a_refused_decision_stays_refused_under_its_key(client, headers, database):
    made = (await client.post("/v1/applications", json=application(), headers=headers())).json()
    body = {"decision": "reject", "principalReasons": UNVERIFIED, "reason": "Figures do not add up"}
    path, key = f"/v1/applications/{made['id']}/decision", headers("uma", "underwriter", key="again")
    await refer(database, made["id"])
    assert (await client.post(path, json=body, headers=headers("uma", "underwriter"))).status_code == 200
    first = await client.post(path, json=body, headers=key)
    again = await client.post(path, json=body, headers=key)
    assert (first.status_code, again.status_code, again.content) == (409, 409, first.content)
    assert again.headers["idempotent-replayed"] == "true"


async def test_a_referral_is_assessed_again_once_per_key(client, headers, database):
    made = (await client.post("/v1/applications", json=application(), headers=headers())).json()
    path = f"/v1/applications/{made['id']}/assessments"
    body = {"reason": "The model was away when this was first scored."}
    early = await client.post(path, json=body, headers=headers("uma", "underwriter"))
    assert (early.status_code, early.json()["type"]) == (409, "urn:fundline:problem:not-under-review")
    await refer(database, made["id"])
    by_applicant = await client.post(path, json=body, headers=headers())
    assert by_applicant.status_code == 403
    key = headers("uma", "underwriter", key="again-1")
    first = await client.post(path, json=body, headers=key)
    again = await client.post(path, json=body, headers=key)
    assert (first.status_code, first.json()) == (202, {"id": made["id"], "status": "risk_scoring"})
    assert (again.content, again.headers["idempotent-replayed"]) == (first.content, "true")
    topics = [
        row["topic"] for row in await database.fetch("select topic from outbox order by position offset 3")
    ]
    assert topics == ["status.updated", "risk.scoring.requested"]


async def test_a_revolving_line_can_be_asked_for_and_a_term_loan_is_the_default(client, headers):
    for sent, kept in (({}, False), ({"revolving": True}, True)):
        made = (await client.post("/v1/applications", json=application() | sent, headers=headers())).json()
        shown = (await client.get(f"/v1/applications/{made['id']}", headers=headers())).json()
        assert shown["revolving"] is kept
