"""Keys of payout accounts change while applications come in; accounts are found without being read."""

import asyncio
import base64
import json
import uuid
from datetime import timedelta

import pytest

from fundline.commands.account.reading import look_up, parsed
from fundline.commands.account_key.deeds import AccountKeys
from fundline.platform.clock import utc_now
from fundline.platform.command_errors import CommandFailed
from fundline.platform.secrets import HEADER_BYTES, SecretBox
from support.stored import submitted_application

IBAN = {"type": "iban", "iban": "DE89 3704 0044 0532 0130 00"}


@pytest.fixture
def key_file(tmp_path):
    path = tmp_path / "account.key"
    path.write_bytes(base64.b64encode(bytes(range(32))))
    return path


@pytest.fixture
def keys(database, key_file):
    return AccountKeys(database, key_file, "uma")


@pytest.fixture
def later(database, key_file):
    """The same a minute and more after the newest key was added."""
    return AccountKeys(database, key_file, "uma", now=lambda: utc_now() + timedelta(seconds=61))


async def accounts(database, box) -> list[dict]:
    rows = await database.fetch(
        "select application_id, payout_account from applications order by application_id"
    )
    return [json.loads(box.open(row["payout_account"], row["application_id"])) for row in rows]


async def actions(database, stream: str) -> list[tuple[str, str]]:
    rows = await database.fetch(
        "select action, actor from audit_entries where stream = $1 order by sequence", stream
    )
    return [(row["action"], row["actor"]) for row in rows]


async def test_a_key_is_added_rows_are_sealed_anew_and_the_old_key_goes_while_a_process_runs(
    database, key_file, keys, later
):
    running = SecretBox(key_file)  # of a process that is never restarted
    old_id = keys.ring().newest.key_id.hex()
    for _ in range(3):
        await submitted_application(database, running)
    new_id = await keys.add("yearly")
    await submitted_application(database, running)
    assert await keys.rows_by_key() == {old_id: 3, new_id: 1}
    assert (await keys.rotate("yearly")).resealed == 3
    assert await keys.rows_by_key() == {new_id: 4}
    await later.retire(old_id, "yearly")
    assert [key.key_id.hex() for key in keys.ring().keys] == [new_id]
    assert len(await accounts(database, running)) == len(await accounts(database, SecretBox(key_file))) == 4
    assert await actions(database, "keys") == [
        ("account_key.added", "command-line:uma"),
        ("account_key.rotation_started", "command-line:uma"),
        ("account_key.rotated", "command-line:uma"),
        ("account_key.retired", "command-line:uma"),
    ]


async def test_a_rotation_that_was_killed_goes_on_where_it_stopped(database, key_file, keys):
    box = SecretBox(key_file)
    for _ in range(5):
        await submitted_application(database, box)
    await keys.add("yearly")
    keys = AccountKeys(database, key_file, "uma", batch_rows=2)

    def killed(resealed: int) -> None:
        if resealed >= 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await keys.rotate("yearly", killed)
    assert (await keys.rotate("yearly")).resealed == 3
    assert len(await accounts(database, SecretBox(key_file))) == 5


async def test_a_rotation_waits_for_rows_that_others_hold_and_does_not_hold_them_up(database, key_file, keys):
    box = SecretBox(key_file)
    held = await submitted_application(database, box)
    await submitted_application(database, box)
    await keys.add("yearly")
    seen: list[int] = []
    async with database.transaction() as connection:
        await connection.execute("select from applications where application_id = $1 for no key update", held)
        rotating = asyncio.create_task(keys.rotate("yearly", seen.append))
        async with asyncio.timeout(20):
            while seen != [1]:
                await asyncio.sleep(0.01)
    assert (await rotating).resealed == 2


async def test_a_key_that_still_seals_a_row_is_not_retired(database, key_file, keys, later):
    await submitted_application(database, SecretBox(key_file))
    old_id = keys.ring().newest.key_id.hex()
    await keys.add("yearly")
    with pytest.raises(CommandFailed, match="1 accounts are sealed"):
        await later.retire(old_id, "yearly")


async def test_a_key_is_not_retired_while_a_request_may_still_be_storing_with_it(keys):
    old_id = keys.ring().newest.key_id.hex()
    await keys.add("yearly")
    with pytest.raises(CommandFailed, match="in a minute"):
        await keys.retire(old_id, "yearly")


async def test_neither_the_sealing_key_nor_an_unknown_one_is_retired(keys):
    for key_id, sentence in (
        (keys.ring().newest.key_id.hex(), "seals"),
        ("00000000", "no key"),
        ("x", "no key"),
    ):
        with pytest.raises(CommandFailed, match=sentence):
            await keys.retire(key_id, "yearly")


async def test_an_account_that_opens_with_no_key_is_named_and_left_alone(database, key_file, keys):
    box = SecretBox(key_file)
    spoiled = await submitted_application(database, box)
    await submitted_application(database, box)
    await database.execute(
        "update applications set payout_account = set_byte(payout_account, 30, 0) where application_id = $1",
        spoiled,
    )
    await keys.add("yearly")
    rotated = await keys.rotate("yearly")
    assert (rotated.resealed, rotated.broken) == (1, {spoiled})


async def test_the_applications_of_an_account_are_found_however_it_is_written_and_the_look_up_is_on_record(
    database, key_file, keys
):
    box = SecretBox(key_file)
    first = await submitted_application(database, box, payoutAccount=IBAN)
    await submitted_application(database, box)
    await keys.add("yearly")
    await keys.rotate("yearly")
    second = await submitted_application(database, SecretBox(key_file), payoutAccount=IBAN)
    account = parsed("de89370400440532013000\n")
    index = SecretBox(key_file).blind_index(account.identity)
    found = await look_up(database, index, account.last4, "uma", "A double application?")
    assert [row["applicationId"] for row in found] == [str(first), str(second)]
    assert await actions(database, "accounts") == [("account.looked_up", "command-line:uma")]


async def test_rows_from_before_the_index_get_it_by_a_rotation(database, key_file, keys):
    await submitted_application(database, SecretBox(key_file), payoutAccount=IBAN)
    await database.execute("update applications set payout_index = null")
    assert (await keys.rotate("index")).resealed == 1
    index = SecretBox(key_file).blind_index(parsed(IBAN["iban"]).identity)
    assert len(await look_up(database, index, "3000", "uma", "test")) == 1


def test_what_is_no_account_is_refused_without_being_repeated():
    for text in ("", "DE00123", "021000022 123456789", "4111111111111111"):
        with pytest.raises(CommandFailed) as refused:
            parsed(text)
        assert not text or text not in str(refused.value)


def test_every_sealed_secret_begins_with_its_key(key_file):
    box = SecretBox(key_file)
    assert box.seal(b"x", uuid.uuid4())[:HEADER_BYTES] == box.header
