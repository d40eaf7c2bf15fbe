import json
import uuid

import pytest

from fundline.platform.database import Database
from support.applications import application

pytestmark = pytest.mark.integration


async def stored(database: Database) -> dict[str, int]:
    row = await database.fetchrow(
        "select (select count(*) from applications) a, (select count(*) from application_status_history) h,"
        " (select count(*) from outbox) o, (select count(*) from idempotency_keys) k"
    )
    return dict(row)


async def test_an_application_is_stored_with_its_history_and_its_three_events(client, headers, database):
    answer = await client.post("/v1/applications", json=application(), headers=headers())
    assert answer.status_code == 202
    assert set(answer.json()) == {"id", "trackingId", "status"}
    assert answer.json()["status"] == "processing"
    assert answer.headers["location"] == f"/v1/applications/{answer.json()['id']}"
    assert await stored(database) == {"a": 1, "h": 1, "o": 3, "k": 1}
    rows = await database.fetch("select topic, key, payload from outbox order by position")
    assert [row["topic"] for row in rows] == [
        "applications.created",
        "risk.scoring.requested",
        "status.updated",
    ]
    assert {str(row["key"]) for row in rows} == {answer.json()["id"]}
    created = json.loads(rows[0]["payload"])
    assert created["amount"] == "50000.00"
    assert created["userId"] == "alice"


async def test_a_used_key_with_another_body_is_refused(client, headers):
    shared = headers(key="one-key")
    await client.post("/v1/applications", json=application(), headers=shared)
    answer = await client.post("/v1/applications", json=application(amount="60000.00"), headers=shared)
    assert answer.status_code == 422
    assert answer.json()["type"] == "urn:fundline:problem:idempotency-key-reused"


async def test_keys_are_per_caller(client, headers, database):
    await client.post("/v1/applications", json=application(), headers=headers("alice", key="k"))
    answer = await client.post("/v1/applications", json=application(), headers=headers("bob", key="k"))
    assert answer.status_code == 202
    assert (await stored(database))["a"] == 2


async def test_a_key_whose_first_request_is_still_in_flight_is_told_so(client, headers, database):
    async with database.transaction() as connection:
        await connection.execute(
            "insert into idempotency_keys (caller, key, request_hash, response_status, response_body)"
            " values ('alice', 'held', '\\x00', 202, '{}')"
        )
        answer = await client.post("/v1/applications", json=application(), headers=headers(key="held"))
    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:fundline:problem:request-in-flight"
    assert answer.headers["retry-after"] == "1"


BAD_BODIES = {
    "unknown field": ({"business.colour": "red"}, "business.colour"),
    "amount as a number": ({"amount": 50000}, "amount"),
    "too many decimals": ({"amount": "50000.123"}, "amount"),
    "decimals in yen": ({"amount": "500000.5", "currency": "JPY"}, "amount"),
    "negative amount": ({"amount": "-50000.00"}, "amount"),
    "absurd amount": ({"amount": "999999999999.00"}, "amount"),
    "exponent": ({"amount": "5e4"}, "amount"),
    "unknown sector": ({"business.naics": "990000"}, "business.naics"),
    "unknown currency": ({"currency": "XTS"}, "currency"),
    "unknown state": ({"business.state": "ZZ"}, "business.state"),
    "wrong type": ({"termMonths": "84"}, "termMonths"),
    "boolean as number": ({"business.employees": True}, "business.employees"),
    "missing field": ({"business.legalName": None}, "business.legalName"),
    "blank name": ({"business.legalName": "   "}, "business.legalName"),
    "control characters": ({"business.legalName": "a\u0000b"}, "business.legalName"),
    "bad IBAN": ({"payoutAccount": {"type": "iban", "iban": "GB33BUKB20201555555556"}}, "payoutAccount.iban"),
    "bad routing number": (
        {"payoutAccount": {"type": "us", "routingNumber": "021000022", "accountNumber": "12345678"}},
        "payoutAccount.routingNumber",
    ),
    "metadata too large": ({"metadata": {"text": "x" * 5000}}, "metadata"),
    "metadata with a null character": ({"metadata": {"text": "\u0000"}}, "metadata"),
    "metadata with a huge number": ({"metadata": {"n": 10**30}}, "metadata"),
    "margin above one": ({"figures.operatingMargin": "1.5"}, "figures.operatingMargin"),
}


@pytest.mark.parametrize(("changes", "path"), BAD_BODIES.values(), ids=BAD_BODIES.keys())
async def test_a_bad_value_is_refused_with_its_path_and_stores_nothing(
    client, headers, database, changes, path
):
    answer = await client.post("/v1/applications", json=application(**changes), headers=headers())
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["type"] == "urn:fundline:problem:invalid-request"
    assert path in [error["path"] for error in problem["errors"]]
    assert all(error["message"].endswith(".") for error in problem["errors"])
    assert await stored(database) == {"a": 0, "h": 0, "o": 0, "k": 0}


@pytest.mark.parametrize(
    ("content", "kind", "status", "code"),
    [
        (b'{"amount": ', "application/json", 400, "broken-json"),
        (b"", "application/json", 400, "broken-json"),
        (b'{"amount": NaN}', "application/json", 400, "broken-json"),
        (b'{"metadata": {"n": 1e400}}', "application/json", 400, "broken-json"),
        (b"[" * 60000, "application/json", 400, "broken-json"),
        (b'"\xff"', "application/json", 400, "broken-json"),
        (b"[]", "application/json", 422, "invalid-request"),
        (b" " * 65537, "application/json", 413, "body-too-large"),
        (b"amount=1", "application/x-www-form-urlencoded", 415, "not-json"),
    ],
)
async def test_a_body_that_cannot_be_read_is_refused(client, headers, database, content, kind, status, code):
    answer = await client.post(
        "/v1/applications", content=content, headers={**headers(), "content-type": kind}
    )
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:fundline:problem:{code}")
    assert (await stored(database))["a"] == 0


async def test_a_write_without_a_key_is_refused(client, headers):
    answer = await client.post("/v1/applications", json=application(), headers=headers(key=""))
    assert (answer.status_code, answer.json()["type"]) == (
        400,
        "urn:fundline:problem:idempotency-key-missing",
    )


async def test_without_a_token_nothing_is_shown(client):
    for path in ("/v1/applications", f"/v1/applications/{uuid.uuid4()}", "/v1/reference-data/sectors"):
        answer = await client.get(path)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_another_persons_application_does_not_exist_for_me(client, headers):
    made = (await client.post("/v1/applications", json=application(), headers=headers("alice"))).json()
    mine = await client.get(f"/v1/applications/{made['id']}", headers=headers("alice"))
    theirs = await client.get(f"/v1/applications/{made['id']}", headers=headers("mallory"))
    none = await client.get(f"/v1/applications/{uuid.uuid4()}", headers=headers("mallory"))
    assert mine.status_code == 200
    assert theirs.status_code == 404
    assert theirs.content == none.content


async def test_the_account_is_shown_as_its_last_four_and_stored_sealed(client, headers, database):
    made = (await client.post("/v1/applications", json=application(), headers=headers())).json()
    shown = await client.get(f"/v1/applications/{made['id']}", headers=headers())
    assert shown.json()["payoutAccount"] == {"type": "us", "last4": "4567"}
    assert "0001234567" not in shown.text
    row = await database.fetchrow("select a::text as everything from applications a")
    assert "0001234567" not in row["everything"]
    assert b"0001234567".hex() not in row["everything"]


async def test_a_list_is_paged_newest_first_without_a_gap(client, headers):
    ids = [
        (await client.post("/v1/applications", json=application(), headers=headers())).json()["id"]
        for _ in range(5)
    ]
    await client.post("/v1/applications", json=application(), headers=headers("bob"))
    seen, cursor = [], None
    while True:
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await client.get("/v1/applications", params=query, headers=headers())).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["nextCursor"]
        if cursor is None:
            break
    assert seen == ids[::-1]


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "cursor=%%%", "status=unknown", "colour=red"])
async def test_a_bad_query_is_refused(client, headers, query):
    answer = await client.get(f"/v1/applications?{query}", headers=headers())
    assert answer.status_code == 422
    assert answer.json()["errors"]


async def test_an_unknown_path_or_method_is_a_problem_too(client, headers):
    nowhere = await client.get("/v1/nowhere", headers=headers())
    wrong = await client.delete("/v1/applications", headers=headers())
    assert (nowhere.status_code, nowhere.headers["content-type"]) == (404, "application/problem+json")
    assert (wrong.status_code, wrong.headers["content-type"]) == (405, "application/problem+json")
