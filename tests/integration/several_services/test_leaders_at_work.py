"""Every part that leads: frozen in the midst of its work it is followed, woken it does no harm, stopped it resigns."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from fundline.platform.database import Candidate, Database
from fundline.platform.secrets import SecretBox
from fundline.platform.settings import DatabaseSettings
from fundline.services.event_router.anchoring import AnchorSettings
from fundline.services.event_router.settings import Settings as RouterSettings
from fundline.services.risk_worker.guardrail import GuardrailSettings
from support.audit import audit_trail, write_audit_key
from support.freezing_proxy import freezing_proxy
from support.leading_parts import Guarding, KeepingAnchors, Part, Reconciling, Relaying
from support.service_process import ServiceProcess

pytestmark = pytest.mark.integration
PARTS = ("relay", "anchoring", "guardrail", "reconciler")


@pytest.fixture
async def part(request, engines, database, database_url, topic_prefix, account_key_file, tmp_path):
    if request.param == "relay":
        yield Relaying(engines, database, topic_prefix)
    elif request.param == "guardrail":
        yield Guarding(database)
    elif request.param == "reconciler":
        yield Reconciling(engines, database, SecretBox(account_key_file))
    else:
        superuser = engines.stack.postgres.superuser_url.rpartition("/")[0]
        superuser_url = f"{superuser}/{database_url.rpartition('/')[2]}"
        async with audit_trail(database, database_url, superuser_url, tmp_path) as trail:
            yield KeepingAnchors(trail)


@contextlib.asynccontextmanager
async def running(part: Part, database_url: str) -> AsyncIterator[asyncio.Event]:
    """Yields what stops it."""
    stop = asyncio.Event()
    async with part.instance(database_url) as instance:
        task = asyncio.create_task(instance.run(stop))
        try:
            yield stop
        finally:
            stop.set()
            await asyncio.wait_for(task, 60)


async def until(condition: Callable[[], Awaitable[bool]], limit_s: float = 60) -> None:
    async with asyncio.timeout(limit_s):
        while not await condition():
            await asyncio.sleep(0.05)


def holders_of(database: Database, lock_id: int) -> Callable[[], Awaitable[bool]]:
    """Whether somebody leads."""

    async def is_held() -> bool:
        sql = "select 1 from pg_locks where locktype = 'advisory' and objid = $1 and objsubid = 1 and granted"
        return await database.fetch(sql, lock_id) != []

    return is_held


@pytest.mark.parametrize("messages", [1, 3, 4])
@pytest.mark.parametrize("part", PARTS, indirect=True)
async def test_a_part_frozen_at_work_is_followed_and_does_no_harm_when_it_wakes(
    part, messages, database, database_url
):
    port = int(database_url.rpartition("@")[2].partition("/")[0].partition(":")[2])
    async with freezing_proxy("127.0.0.1", port) as proxy:
        through = database_url.replace(f":{port}/", f":{proxy.listens_on}/")
        async with running(part, through):
            await until(holders_of(database, part.lock_id))
            proxy.freeze_after(messages)
            await part.give_work()
            await asyncio.wait_for(proxy.frozen.wait(), 60)
            async with running(part, database_url):
                await until(part.is_done)
                proxy.thaw()
                await part.give_work()
                await until(part.is_done)
            await part.give_work()  # the follower has stopped: the one that woke leads again
            await until(part.is_done)
    await part.assert_sound()


@pytest.mark.parametrize("part", PARTS, indirect=True)
async def test_a_part_that_is_stopped_lets_its_lock_go(part, database, database_url):
    """A mutant survived here: `ended` that does not resign. The process may take long over the rest of its drain."""
    other = Candidate(DatabaseSettings(database_url=database_url), part.lock_id)

    async def other_leads() -> bool:
        return await other.try_to_lead() is not None

    async with part.instance(database_url) as instance:
        stop = asyncio.Event()
        task = asyncio.create_task(instance.run(stop))
        await until(holders_of(database, part.lock_id))
        stop.set()
        await asyncio.wait_for(task, 60)
        await until(other_leads)
    other.resign()


def test_a_frozen_leader_is_followed_within_five_seconds_by_the_settings():
    """What the server needs to notice, and a standby to ask again. Measured times prove nothing on a busy machine."""
    silence_s = DatabaseSettings.model_fields["database_leader_silence_ms"].default / 1000
    pauses_s = [
        RouterSettings.model_fields["router_standby_poll_ms"].default / 1000,
        AnchorSettings.model_fields["audit_anchor_every_s"].default,
        GuardrailSettings.model_fields["guardrail_every_s"].default,
    ]
    assert silence_s + max(pauses_s) < 5


async def test_a_router_frozen_in_its_first_statement_behind_a_table_lock_is_followed(
    engines, database, database_url, topic_prefix, owner, tmp_path
):
    """The incident, with processes and SIGSTOP: the outbox stood still for 67 s, until the router was woken."""
    part = Relaying(engines, database, topic_prefix)
    environment = {
        "FUNDLINE_DATABASE_URL": database_url,
        "FUNDLINE_KAFKA_BOOTSTRAP": engines.bootstrap,
        "FUNDLINE_KAFKA_DIALECT": engines.kafka_dialect,
        "FUNDLINE_TOPIC_PREFIX": topic_prefix,
        "FUNDLINE_AUDIT_KEY_FILE": str(write_audit_key(tmp_path / "audit.json")),
        "FUNDLINE_AUDIT_ANCHOR_FILE": str(tmp_path / "anchors.jsonl"),
    }

    async def waits_for_the_table() -> bool:
        sql = "select 1 from pg_locks where relation = 'outbox'::regclass and not granted"
        return await database.fetch(sql) != []

    async def first_leads() -> bool:
        return (await first.health()) != {} and await first.metric("fundline_outbox_leader") == 1

    async with owner.transaction():
        await owner.execute("lock table outbox in access exclusive mode")
        first = ServiceProcess("services.event_router.main", "router-1", environment, tmp_path)
        try:
            await until(waits_for_the_table)
            first.send(signal.SIGSTOP)
        except BaseException:
            first.kill()
            raise
    second = ServiceProcess("services.event_router.main", "router-2", environment, tmp_path)
    try:
        await part.give_work()
        await until(part.is_done)
        first.send(signal.SIGCONT)
        await part.give_work()
        await until(part.is_done)
        assert second.log("leader.ended_silent_one") != []
        second.kill()
        await until(first_leads)
        await part.give_work()
        await until(part.is_done)
    finally:
        first.kill()
        second.kill()
    await part.assert_sound()
