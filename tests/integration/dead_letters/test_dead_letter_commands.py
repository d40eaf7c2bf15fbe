"""`fundline dead-letter` and `fundline case` as an operator types them, against the real operations API over HTTP."""

import asyncio
import json
import uuid

import pytest
from typer.testing import CliRunner, Result

from fundline.commands.case.command import app as case_app
from fundline.commands.dead_letter.command import app as dead_letter_app
from fundline.platform.command_errors import CommandFailed
from support.dead_letters import dead, dead_payment, kept_letter, payment_asked
from support.model_service import over_http

pytestmark = pytest.mark.integration


@pytest.fixture
async def run(engines, operations_app):
    """`await run(command, …, by="olga")`: what it printed and how it ended."""
    async with over_http(operations_app) as url:

        async def invoke(
            *arguments: str, by: str = "olga", of=dead_letter_app, said: str | None = None
        ) -> Result:
            env = {"FUNDLINE_API_URL": url, "FUNDLINE_TOKEN": engines.stack.token(by, "operator")}
            return await asyncio.to_thread(CliRunner().invoke, of, arguments, input=said, env=env)

        yield invoke


def fits(result: Result) -> bool:
    return result.exit_code == 0 and all(len(line) <= 100 for line in result.stdout.splitlines())


async def outbox(database):
    return await database.fetch("select topic, payload from outbox order by position")


async def test_letters_are_listed_and_shown_in_a_hundred_columns_and_as_json(database, run):
    letter_id = await kept_letter(database, dead_payment(uuid.uuid4(), cause="RetryLater: " + "long " * 60))
    await kept_letter(database, dead(payload=b"\xff\x00" * 500))
    listed = await run("list")
    assert fits(listed), listed.stdout
    assert str(letter_id) in listed.stdout
    assert "moves money" in listed.stdout
    shown = await run("show", str(letter_id))
    assert fits(shown), shown.stdout
    assert '"approvedBy": "policy"' in shown.stdout
    page = json.loads((await run("list", "--json", "--topic", "status.updated")).stdout)
    assert [item["topic"] for item in page["items"]] == ["status.updated"]
    assert fits(await run("show", page["items"][0]["id"]))


async def test_two_operators_replay_a_payment_and_the_first_one_cannot_do_both(database, run):
    letter_id = str(await kept_letter(database, dead_payment(uuid.uuid4())))
    asked = await run("replay", letter_id, "--reason", "The bank is back.")
    assert "another operator must approve" in asked.stdout
    alone = await run("approve", letter_id, "--yes", "--reason", "I agree with myself.")
    assert isinstance(alone.exception, CommandFailed)
    assert "another operator has to agree" in str(alone.exception)
    doubtful = await run("approve", letter_id, "--reason", "Looked at.", by="omar", said="n\n")
    assert doubtful.exit_code == 1
    assert await outbox(database) == []
    agreed = await run("approve", letter_id, "--reason", "Looked at.", by="omar", said="y\n")
    assert "was sent again to disbursement-worker" in agreed.stdout
    assert len(await outbox(database)) == 1


async def test_a_payload_is_corrected_by_field_and_by_file(database, run, tmp_path):
    by_field, by_file = uuid.uuid4(), uuid.uuid4()
    first = str(await kept_letter(database, dead(key=by_field)))
    second = str(await kept_letter(database, dead(key=by_file, payload=b"\xff")))
    told = await run("edit", first, "--set", "sequence=7", "--set", "trackingId=FL-2", "--reason", "wrong")
    assert fits(told), told.exception
    whole = json.loads((await outbox(database))[0]["payload"])
    assert (whole["sequence"], whole["trackingId"]) == (7, "FL-2")
    file = tmp_path / "payload.json"
    file.write_text(json.dumps(whole | {"applicationId": str(by_file)}))
    assert fits(await run("edit", second, "--file", str(file), "--reason", "was broken"))
    assert json.loads((await outbox(database))[1]["payload"])["applicationId"] == str(by_file)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--set", "nonsense"), "is not written as field=value"),
        (("--set", "sequence=many"), "payload.sequence"),
        (("--file", "/nowhere/payload.json"), "cannot be read"),
        (("--set", f"applicationId={uuid.uuid4()}"), "must stay"),
    ],
)
async def test_a_correction_that_does_not_fit_is_told_in_a_sentence(database, run, arguments, sentence):
    letter_id = str(await kept_letter(database, dead()))
    told = await run("edit", letter_id, *arguments, "--reason", "wrong")
    assert isinstance(told.exception, CommandFailed)
    assert sentence in str(told.exception)
    assert await outbox(database) == []


async def test_a_letter_is_discarded_with_a_reason_and_a_request_withdrawn(database, run):
    letter_id = str(await kept_letter(database, dead_payment(uuid.uuid4())))
    await run("replay", letter_id, "--reason", "The bank is back.")
    assert "is open" in (await run("withdraw", letter_id, "--reason", "It is not.", by="omar")).stdout
    assert "was discarded" in (await run("discard", letter_id, "--reason", "Paid by hand.")).stdout
    again = await run("replay", letter_id, "--reason", "Once more.")
    assert "It was discarded by olga" in str(again.exception)


async def test_a_bulk_replay_goes_through_all_batches_at_its_rate_and_tells_its_progress(database, run):
    for _ in range(5):
        await kept_letter(database, dead())
    await kept_letter(database, dead(group="nobody"))
    told = await run(
        "bulk-replay", "--topic", "status.updated", "--rate", "0.2", "--limit", "2", "--reason", "mended"
    )
    assert fits(told), told.exception
    assert "2 replayed" in told.stderr
    rest = await run(
        "bulk-replay", "--topic", "status.updated", "--rate", "100", "--json", "--reason", "mended"
    )
    total = json.loads(rest.stdout)
    assert (len(total["replayed"]), len(total["skipped"])) == (3, 1)
    assert len(await outbox(database)) == 5


async def test_cases_are_listed_shown_and_resolved(database, run):
    letter_id = await kept_letter(database, dead_payment(uuid.uuid4(), payload=payment_asked(uuid.uuid4())))
    case_id = str((await database.fetchrow("select case_id from cases"))["case_id"])
    listed = await run("list", of=case_app)
    assert fits(listed)
    assert case_id in listed.stdout
    shown = await run("show", case_id, of=case_app)
    assert fits(shown)
    assert str(letter_id) in shown.stdout
    resolved = await run("resolve", case_id, "--reason", "It was paid by hand.", of=case_app)
    assert resolved.stdout == f"Case {case_id} is resolved: It was paid by hand.\n"
    assert (await run("list", of=case_app)).stdout == "No case fits.\n"
    unknown = await run("show", "../x", of=case_app)
    assert "No case has this id." in str(unknown.exception) or "not offered" in str(unknown.exception)
