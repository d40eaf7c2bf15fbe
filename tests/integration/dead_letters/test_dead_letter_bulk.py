"""Replaying many dead letters with one request."""

import dataclasses
import json
import uuid

import pytest

from fundline.contracts.topics import APPLICATIONS_CREATED
from support.approved_applications import store_application
from support.dead_letters import dead, dead_payment, kept_letter, outbox

pytestmark = pytest.mark.integration


async def bulk(operations, operator_headers, **body):
    answer = await operations.post(
        "/v1/dead-letters/bulk-replay",
        json={"reason": "The roll-out was taken back.", **body},
        headers=operator_headers(key=body.get("reason")),
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_bulk_replay_sends_what_fits_the_filter_at_its_rate(operations, database, operator_headers):
    wanted = [str(await kept_letter(database, dead(cause="KeyError: 'rate'"))) for _ in range(5)]
    other = await kept_letter(database, dead(cause="Poison: bad payload"))
    bare = str(
        await kept_letter(
            database, dataclasses.replace(dead(cause="x"), headers={"fundline-cause": "KeyError"})
        )
    )
    told = await bulk(
        operations, operator_headers, topic="status.updated", cause="KeyError", limit=4, perSecond=2
    )
    assert (told["replayed"], told["nextAfter"]) == (wanted[:4], wanted[3])
    delays = [json.loads(row["headers"])["fundline-not-before"] for row in await outbox(database)]
    seconds = [float(text[17:26]) + 60 * int(text[14:16]) for text in delays]
    assert [round((s - seconds[0]) % 3600, 3) for s in seconds] == [0, 0.5, 1, 1.5]
    rest = await bulk(
        operations, operator_headers, topic="status.updated", cause="KeyError", after=told["nextAfter"]
    )
    assert (rest["replayed"], rest["nextAfter"]) == ([wanted[4]], None)
    assert [skipped["id"] for skipped in rest["skipped"]] == [bare]
    left = await database.fetch("select dead_letter_id from dead_letters where state = 'open'")
    assert {row["dead_letter_id"] for row in left} == {other, uuid.UUID(bare)}


async def test_a_bulk_replay_only_asks_for_what_moves_money(operations, database, operator_headers):
    ids = [str(await kept_letter(database, dead_payment(uuid.uuid4()))) for _ in range(3)]
    told = await bulk(operations, operator_headers, topic="disbursement.requested")
    assert (told["requested"], told["replayed"]) == (ids, [])
    assert await outbox(database) == []


async def test_a_bulk_replay_leaves_out_the_own_application_and_says_why(
    database, box, operations, operator_headers
):
    """The check of the single replay was tested, and not the one of many at once."""
    own = await store_application(database, box)
    others = str(await kept_letter(database, dead()))
    letter_id = await kept_letter(database, dead(key=own))
    answer = await operations.post(
        "/v1/dead-letters/bulk-replay",
        json={"reason": "All of them, mine too.", "topic": "status.updated"},
        headers=operator_headers("alice"),
    )
    told = answer.json()
    assert (told["replayed"], told["requested"]) == ([others], [])
    (skipped,) = told["skipped"]
    assert skipped["id"] == str(letter_id)
    assert "your own" in skipped["because"]
    assert [event["key"] for event in await outbox(database)] != [own]


async def test_the_path_of_the_bulk_replay_is_not_taken_for_an_id(operations, operator_headers):
    read = await operations.get("/v1/dead-letters/bulk-replay", headers=operator_headers())
    assert (read.status_code, read.json()["type"]) == (404, "urn:fundline:problem:dead-letter-not-found")
    removed = await operations.delete("/v1/dead-letters/bulk-replay", headers=operator_headers())
    assert (removed.status_code, "POST" in removed.headers["allow"]) == (405, True)


async def test_a_bulk_replay_has_bounds(operations, operator_headers):
    for body in ({"limit": 101}, {"limit": 100, "perSecond": 1}, {"perSecond": 0}, {"topic": ""}):
        answer = await operations.post(
            "/v1/dead-letters/bulk-replay",
            json={"reason": "why not", "topic": APPLICATIONS_CREATED.name, **body},
            headers=operator_headers(),
        )
        assert answer.status_code == 422
