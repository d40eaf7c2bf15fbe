"""Reading dead letters over the operations API, and who may."""

import uuid

import jsonschema
import pytest

from fundline.manual.openapi import openapi_document
from support.dead_letters import dead, dead_payment, kept_letter

pytestmark = pytest.mark.integration


async def test_letters_are_listed_newest_first_and_filtered(operations, database, operator_headers):
    ids = [str(await kept_letter(database, dead(cause=f"KeyError: {n}"))) for n in range(5)]
    money = str(await kept_letter(database, dead_payment(uuid.uuid4())))

    async def listed(query: str) -> dict:
        answer = await operations.get(f"/v1/dead-letters?{query}", headers=operator_headers())
        assert answer.status_code == 200, answer.text
        return answer.json()

    first = await listed("limit=4")
    assert [item["id"] for item in first["items"]] == [money, *reversed(ids[2:])]
    second = await listed(f"limit=4&cursor={first['nextCursor']}")
    assert [item["id"] for item in second["items"]] == [ids[1], ids[0]]
    assert second["nextCursor"] is None
    assert [i["id"] for i in (await listed("topic=disbursement.requested"))["items"]] == [money]
    assert [i["id"] for i in (await listed("group=status-service&cause=KeyError: 3"))["items"]] == [ids[3]]
    assert (await listed("state=discarded"))["items"] == []
    assert (
        await operations.get("/v1/dead-letters?state=lost", headers=operator_headers())
    ).status_code == 422


async def test_a_letter_is_shown_as_the_document_says(operations, database, operator_headers, act):
    schemas = openapi_document()["components"]
    for message in (dead(), dead_payment(uuid.uuid4()), dead(payload=b"\xff" * 70_000), dead(payload=b"x")):
        letter_id = await kept_letter(database, message)
        told = (await operations.get(f"/v1/dead-letters/{letter_id}", headers=operator_headers())).json()
        for name, value in (
            ("WholeDeadLetter", told),
            ("DeadLetter", (await act(letter_id, "discard")).json()),
        ):
            reference = {"$ref": f"#/components/schemas/{name}", "components": schemas}
            jsonschema.Draft202012Validator(reference).validate(value)


async def test_it_is_told_when_the_group_has_handled_the_event(database, shown):
    message = dead()
    letter_id = await kept_letter(database, message)
    assert (await shown(letter_id))["handledAt"] is None
    await database.execute(
        "insert into inbox (consumer, event_id) values ('status-service', $1)",
        uuid.UUID(message.headers["ce_id"]),
    )
    assert (await shown(letter_id))["handledAt"] is not None


async def test_a_cursor_that_was_not_given_out_is_refused(operations, operator_headers):
    for path in ("dead-letters", "cases", "disbursements", "ledger-corrections"):
        answer = await operations.get(f"/v1/{path}?cursor=!!", headers=operator_headers())
        assert answer.status_code == 422, path
        assert answer.json()["errors"] == [
            {"path": "cursor", "message": "This cursor does not come from an answer of this API."}
        ]
