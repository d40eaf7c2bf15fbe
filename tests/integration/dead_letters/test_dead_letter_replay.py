import asyncio
import dataclasses
import json
import uuid

import pytest

from fundline.contracts.topics import RISK_SCORING_COMPLETED
from fundline.platform.kafka.messages import Delivery
from support.approved_applications import store_application
from support.dead_letters import dead, dead_payment, kept_letter, outbox, payment_asked, status_told
from support.delivering import answered

pytestmark = pytest.mark.integration


async def story(database, stream: str) -> list[tuple[str, str]]:
    rows = await database.fetch(
        "select action, actor from audit_entries where stream = $1 order by sequence", stream
    )
    return [tuple(row) for row in rows]


def sent_headers(message: Delivery) -> dict[str, str]:
    """The event's own, and that a person has sent it back."""
    own = {k: v for k, v in message.headers.items() if k.startswith("ce_") or not k.startswith("fundline-")}
    return {**own, "fundline-origin": message.headers["fundline-origin"], "fundline-replay": "1"}


async def nobody_can_act_again(act, letter_id, seen: str) -> None:
    for verb in ("replay", "approve", "discard", "withdraw"):
        more = {"payloadSha256": seen} if verb == "approve" else {}
        refused = await act(letter_id, verb, subject="oscar", **more)
        assert (refused.status_code, refused.json()["type"]) == (
            409,
            "urn:fundline:problem:dead-letter-settled",
        )


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
    assert json.loads(event["headers"]) == sent_headers(message)

    again = await act(letter_id, "approve", subject="omar", key="agree-1", payloadSha256=seen)
    assert (again.content, again.headers["idempotent-replayed"]) == (agreed.content, "true")
    await nobody_can_act_again(act, letter_id, seen)
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


@pytest.mark.parametrize("verb", ["replay", "withdraw", "discard"])
async def test_nobody_acts_on_a_letter_about_the_own_application(database, box, act, verb):
    letter_id = await kept_letter(database, dead_payment(await store_application(database, box)))
    if verb == "withdraw":
        assert (await act(letter_id, "replay")).status_code == 200
    refused = await act(letter_id, verb, subject="alice")
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:fundline:problem:second-person-needed")


async def test_the_table_itself_refuses_money_replayed_by_one_person(database):
    await kept_letter(database, dead_payment(uuid.uuid4()))
    with pytest.raises(Exception, match="dead_letters_money_needs_two"):
        await database.execute(
            "update dead_letters set state = 'replayed', requested_by = 'olga', settled_by = 'olga',"
            " settled_at = now()"
        )
