import asyncio
import dataclasses
import json
import uuid

import jsonschema
import pytest

from fundline.contracts.topics import APPLICATIONS_CREATED, RISK_SCORING_COMPLETED
from fundline.manual.openapi import openapi_document
from support.approved_applications import store_application
from support.dead_letters import dead, dead_payment, kept_letter, payment_asked, status_told
from support.delivering import answered

pytestmark = pytest.mark.integration


async def outbox(database):
    return await database.fetch("select * from outbox order by position")


async def story(database, stream: str) -> list[tuple[str, str]]:
    rows = await database.fetch(
        "select action, actor from audit_entries where stream = $1 order by sequence", stream
    )
    return [tuple(row) for row in rows]


async def test_dead_letter_replay_for_money_takes_two_people_keeps_the_event_id_and_is_audited(
    database, box, act, shown
):
    """Promise 15: reviewed, for money by two people, same event id, audited; a second replay changes nothing."""
    application_id = await store_application(database, box)
    message = dead_payment(application_id)
    letter_id = await kept_letter(database, message)

    asked = await act(letter_id, "replay")
    assert (asked.status_code, asked.json()["state"], asked.json()["requestedBy"]) == (
        200,
        "replay_requested",
        "olga",
    )
    assert await outbox(database) == []
    seen = (await shown(letter_id))["payloadSha256"]
    alone = await act(letter_id, "approve", payloadSha256=seen)
    assert (alone.status_code, alone.json()["type"]) == (403, "urn:fundline:problem:second-person-needed")
    applicant = await act(letter_id, "approve", subject="alice", payloadSha256=seen)
    assert applicant.status_code == 403, "the application is alice's own"
    assert await outbox(database) == []

    agreed = await act(letter_id, "approve", subject="omar", key="agree-1", payloadSha256=seen)
    assert (agreed.status_code, agreed.json()["state"]) == (200, "replayed")
    (event,) = await outbox(database)
    assert str(event["event_id"]) == message.headers["ce_id"]
    assert event["topic"] == "disbursement.requested.disbursement-worker.retry"
    assert (event["key"], event["payload"].encode()) == (application_id, message.value)
    sent = json.loads(event["headers"])
    assert sent == {
        **{k: v for k, v in message.headers.items() if k.startswith("ce_") or not k.startswith("fundline-")},
        "fundline-origin": message.headers["fundline-origin"],
        "fundline-replay": "1",
    }

    again = await act(letter_id, "approve", subject="omar", key="agree-1", payloadSha256=seen)
    assert (again.content, again.headers["idempotent-replayed"]) == (agreed.content, "true")
    for verb in ("replay", "approve", "discard", "withdraw"):
        more = {"payloadSha256": seen} if verb == "approve" else {}
        refused = await act(letter_id, verb, subject="oscar", **more)
        assert (refused.status_code, refused.json()["type"]) == (
            409,
            "urn:fundline:problem:dead-letter-settled",
        )
    assert len(await outbox(database)) == 1

    expected = [
        ("deadletter.kept", "dead-letter-keeper"),
        ("deadletter.replay_requested", "operations-api:olga"),
        ("deadletter.replayed", "operations-api:omar"),
    ]
    assert await story(database, f"dead-letter:{letter_id}") == expected
    of_application = await story(database, f"application:{application_id}")
    assert [entry for entry in of_application if entry[0].startswith("deadletter.")] == expected
    case = await database.fetchrow("select state, resolved_by, resolution from cases")
    assert tuple(case) == ("resolved", "operations-api:omar", "replayed: The cause is mended.")


async def test_a_letter_that_moves_no_money_is_replayed_by_one_person(database, act):
    message = dead()
    answer = await act(await kept_letter(database, message), "replay")
    assert (answer.status_code, answer.json()["state"], answer.json()["replays"]) == (200, "replayed", 1)
    (event,) = await outbox(database)
    assert event["topic"] == "status.updated.status-service.retry"
    assert str(event["event_id"]) == message.headers["ce_id"]


async def test_two_operators_at_the_same_moment_send_one_event(database, act):
    letter_id = await kept_letter(database, dead())
    people = [f"operator-{number}" for number in range(8)]
    answers = await asyncio.gather(
        *(answered(lambda who=who: act(letter_id, "replay", subject=who, key=who)) for who in people)
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7
    assert len(await outbox(database)) == 1


async def test_an_approved_score_moves_money_in_both_groups(database, act):
    for group in RISK_SCORING_COMPLETED.groups:
        letter_id = await kept_letter(database, dead(RISK_SCORING_COMPLETED, group))
        assert (await act(letter_id, "replay")).json()["state"] == "replay_requested"
    assert await outbox(database) == []


async def test_a_corrected_payload_is_sent_the_original_is_kept_and_the_difference_is_audited(
    database, act, shown
):
    key = uuid.uuid4()
    original = payment_asked(key, "99.00")
    letter_id = await kept_letter(database, dead_payment(key, payload=original))
    corrected = json.loads(payment_asked(key, "12500.00"))
    assert (await act(letter_id, "replay", payload=corrected)).status_code == 200
    told = await shown(letter_id)
    assert told["payload"]["json"] == json.loads(original)
    assert told["editedPayload"] == corrected
    assert told["changes"] == {"amount": {"from": "99.00", "to": "12500.00"}}
    agreed = await act(letter_id, "approve", subject="omar", payloadSha256=told["payloadSha256"])
    assert agreed.status_code == 200
    (event,) = await outbox(database)
    assert json.loads(event["payload"]) == corrected
    edited = await database.fetchrow(
        "select details::text, evidence_hash from audit_entries where action = 'deadletter.edited'"
    )
    assert json.loads(edited["details"])["changes"] == told["changes"]
    assert edited["evidence_hash"] is not None


async def test_who_agrees_agrees_to_the_payload_that_was_looked_at(database, act, shown):
    key = uuid.uuid4()
    letter_id = await kept_letter(database, dead_payment(key))
    await act(letter_id, "replay")
    seen = (await shown(letter_id))["payloadSha256"]
    assert (await act(letter_id, "withdraw")).json()["state"] == "open"
    await act(letter_id, "replay", payload=json.loads(payment_asked(key, "99000.00")))
    answer = await act(letter_id, "approve", subject="omar", payloadSha256=seen)
    assert (answer.status_code, answer.json()["type"]) == (
        409,
        "urn:fundline:problem:dead-letter-payload-changed",
    )
    assert await outbox(database) == []


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"amount": 12}, "payload.amount"),
        ({"amount": "12,5"}, "payload.amount"),
        ({"applicationId": str(uuid.uuid4())}, "payload.applicationId"),
        ({"surprise": 1}, "payload.surprise"),
        ({"approvedBy": None}, "payload.approvedBy"),
    ],
)
async def test_a_correction_must_fit_the_topic_and_stay_with_its_application(database, act, change, path):
    key = uuid.uuid4()
    letter_id = await kept_letter(database, dead_payment(key))
    answer = await act(letter_id, "replay", payload=json.loads(payment_asked(key)) | change)
    assert answer.status_code == 422, answer.text
    assert [error["path"] for error in answer.json()["errors"]] == [path]


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda m: dataclasses.replace(m, headers={}), "envelope"),
        (lambda m: dataclasses.replace(m, key="not an id"), "key"),
        (lambda m: dataclasses.replace(m, headers=m.headers | {"fundline-group": "nobody"}), "group"),
        (lambda m: dataclasses.replace(m, value=b"\xff\x00"), "not text"),
    ],
)
async def test_what_no_group_would_take_is_not_sent_and_can_be_discarded(database, act, spoil, sentence):
    letter_id = await kept_letter(database, spoil(dead()))
    refused = await act(letter_id, "replay")
    assert (refused.status_code, refused.json()["type"]) == (
        409,
        "urn:fundline:problem:dead-letter-not-replayable",
    )
    assert sentence in refused.json()["detail"]
    assert await outbox(database) == []
    assert (await act(letter_id, "discard")).json()["state"] == "discarded"


async def test_a_broken_payload_can_be_mended_and_sent(database, act):
    key = uuid.uuid4()
    letter_id = await kept_letter(
        database, dataclasses.replace(dead(key=key, payload=b"\xff{"), value=b"\xff{")
    )
    answer = await act(letter_id, "replay", payload=json.loads(status_told(key)))
    assert answer.json()["state"] == "replayed"
    assert json.loads((await outbox(database))[0]["payload"]) == json.loads(status_told(key))


async def test_only_operators_act_and_compliance_may_look(operations, database, operator_headers):
    letter_id = await kept_letter(database, dead())
    for role in ("applicant", "partner", "underwriter", "compliance"):
        for verb in ("replay", "approve", "withdraw", "discard"):
            path = f"/v1/dead-letters/{letter_id}/{verb}"
            answer = await operations.post(
                path, json={"reason": "I like it"}, headers=operator_headers("x", role)
            )
            assert answer.status_code == 403
        bulk = await operations.post(
            "/v1/dead-letters/bulk-replay", json={}, headers=operator_headers("x", role)
        )
        assert bulk.status_code == 403
        looked = await operations.get(f"/v1/dead-letters/{letter_id}", headers=operator_headers("x", role))
        assert looked.status_code == (200 if role == "compliance" else 403)


async def test_a_reason_is_not_optional(operations, database, operator_headers):
    letter_id = await kept_letter(database, dead())
    for body in ({}, {"reason": "  "}, {"reason": "x" * 501}):
        path = f"/v1/dead-letters/{letter_id}/discard"
        assert (await operations.post(path, json=body, headers=operator_headers())).status_code == 422
    unknown = await operations.post(
        f"/v1/dead-letters/{uuid.uuid4()}/discard", json={"reason": "gone"}, headers=operator_headers()
    )
    assert (unknown.status_code, unknown.json()["type"]) == (
        404,
        "urn:fundline:problem:dead-letter-not-found",
    )


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


@pytest.mark.parametrize("verb", ["replay", "withdraw", "discard"])
async def test_nobody_acts_on_a_letter_about_the_own_application(database, box, act, verb):
    letter_id = await kept_letter(database, dead_payment(await store_application(database, box)))
    if verb == "withdraw":
        assert (await act(letter_id, "replay")).status_code == 200
    refused = await act(letter_id, verb, subject="alice")
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:fundline:problem:second-person-needed")


async def test_the_path_of_the_bulk_replay_is_not_taken_for_an_id(operations, operator_headers):
    read = await operations.get("/v1/dead-letters/bulk-replay", headers=operator_headers())
    assert (read.status_code, read.json()["type"]) == (404, "urn:fundline:problem:dead-letter-not-found")
    removed = await operations.delete("/v1/dead-letters/bulk-replay", headers=operator_headers())
    assert (removed.status_code, "POST" in removed.headers["allow"]) == (405, True)


async def test_a_cursor_that_was_not_given_out_is_refused(operations, operator_headers):
    for path in ("dead-letters", "cases", "disbursements", "ledger-corrections"):
        answer = await operations.get(f"/v1/{path}?cursor=!!", headers=operator_headers())
        assert answer.status_code == 422, path
        assert answer.json()["errors"] == [
            {"path": "cursor", "message": "This cursor does not come from an answer of this API."}
        ]


async def test_a_bulk_replay_has_bounds(operations, operator_headers):
    for body in ({"limit": 101}, {"limit": 100, "perSecond": 1}, {"perSecond": 0}, {"topic": ""}):
        answer = await operations.post(
            "/v1/dead-letters/bulk-replay",
            json={"reason": "why not", "topic": APPLICATIONS_CREATED.name, **body},
            headers=operator_headers(),
        )
        assert answer.status_code == 422


async def test_the_table_itself_refuses_money_replayed_by_one_person(database):
    await kept_letter(database, dead_payment(uuid.uuid4()))
    with pytest.raises(Exception, match="dead_letters_money_needs_two"):
        await database.execute(
            "update dead_letters set state = 'replayed', requested_by = 'olga', settled_by = 'olga',"
            " settled_at = now()"
        )
