"""A whole run: every check, its record, its metrics; twice, side by side, and by the command."""

import asyncio
import json
from datetime import timedelta

import orjson
import pytest
from prometheus_client import CollectorRegistry
from typer.testing import CliRunner

from fundline.commands.reconcile.command import app
from fundline.platform.cache import versioned
from fundline.platform.clock import new_id, utc_now
from fundline.platform.database import Candidate
from fundline.platform.telemetry.metrics import Metrics
from fundline.records.cached import STATUS
from fundline.records.cases import CaseKind, NewCase, open_case
from fundline.services.reconciler.findings import Trouble
from fundline.services.reconciler.outbox import SUBJECT, OutboxMoves
from fundline.services.reconciler.settings import Settings
from fundline.services.reconciler.status_cache import StatusCache
from fundline.services.reconciler.wiring import open_reconciler
from support.approved_applications import store_application
from support.reconciler import AT, audited, cases

pytestmark = pytest.mark.integration


@pytest.fixture
def settings(engines, database_url, bank_url) -> Settings:
    return Settings(
        database_url=database_url,
        cache_url=engines.cache_url,
        bank_url=bank_url,
        kafka_bootstrap=engines.bootstrap,
        reconciler_cache_grace_s=0,
        cache_timeout_ms=1000,
    )


def history(application_id, at):
    return (
        "insert into application_status_history values ($1, 3, 'risk_scoring', $2, 'tests', '{}')",
        application_id,
        at,
    )


async def test_events_that_do_not_move_are_a_case_until_they_do(database):
    metrics = Metrics(CollectorRegistry())
    outbox = OutboxMoves(database, metrics, limit_s=60)
    await database.execute(
        "insert into outbox (event_id, topic, key, payload, headers, created_at) "
        "values ($1, 'status.updated', $1, '{}', '{}', now() - interval '2 minutes')",
        new_id(),
    )
    for is_new in (True, False):
        (found,) = await outbox.look(at=AT, full=False)
        assert (found.trouble, found.is_repaired, found.opened_case) == (Trouble.OUTBOX_STUCK, False, is_new)
    assert metrics.registry.get_sample_value("fundline_outbox_oldest_age_seconds") >= 120
    assert await cases(database) == [("outbox_stuck", "outbox")]
    await database.execute("delete from outbox")
    assert await outbox.look(at=AT, full=False) == []
    assert metrics.registry.get_sample_value("fundline_outbox_oldest_age_seconds") == 0
    assert await cases(database) == []


async def test_a_record_that_somebody_holds_leaves_one_check_for_the_next_run_and_ends_nothing(
    settings, database, owner
):
    async with database.transaction() as connection:
        case = NewCase(CaseKind.OUTBOX_STUCK, SUBJECT, "It does not move.")
        await open_case(connection, case, case_id=new_id(), opened_by="reconciler", at=AT)
    async with open_reconciler(settings, Metrics(CollectorRegistry())) as opened:
        async with owner.transaction():
            await owner.execute("select 1 from cases for update")
            run = await opened.reconciler.run_once()
        assert list(run.unchecked) == ["outbox"]
        assert not run.is_clean
        assert (await opened.reconciler.run_once()).unchecked == {}
    assert await cases(database) == []


@pytest.mark.parametrize("cached", [2, 9])
async def test_a_cached_status_that_the_database_contradicts_is_dropped(database, cache, box, cached):
    application_id = await store_application(database, box, status="risk_scoring")
    await database.execute(*history(application_id, AT))
    key = STATUS.key(application_id)
    await cache.put(key, versioned(cached, b"alice\0{}"), ttl_s=60)
    check = StatusCache(database, cache, cached_s=60, sample=10, grace_s=5)
    (found,) = await check.look(at=AT + timedelta(seconds=30), full=False)
    assert (found.trouble, found.is_repaired) == (Trouble.STATUS_STALE, True)
    assert await cache.get(key) is None
    assert await check.look(at=AT + timedelta(seconds=30), full=False) == []
    assert await audited(database, application_id) == ["status.cache_dropped"]


async def test_a_cached_status_that_is_right_or_a_moment_behind_stays(database, cache, box):
    right = await store_application(database, box, status="risk_scoring")
    behind = await store_application(database, box, status="risk_scoring")
    for application_id, version in ((right, 3), (behind, 2)):
        await database.execute(*history(application_id, AT))
        await cache.put(STATUS.key(application_id), versioned(version, b"alice\0{}"), ttl_s=60)
    check = StatusCache(database, cache, cached_s=60, sample=10, grace_s=5)
    now = await database.fetchrow("select max(updated_at) as at from applications")
    assert await check.look(at=now["at"] + timedelta(seconds=2), full=False) == []
    assert [await cache.get(STATUS.key(key)) is not None for key in (right, behind)] == [True, True]


async def test_a_run_is_stored_and_counted_and_the_second_changes_nothing(settings, database, box):
    application_id = await store_application(database, box, status="risk_scoring")
    metrics = Metrics(CollectorRegistry())
    async with open_reconciler(settings, metrics) as opened:
        first = await opened.reconciler.run_once()
        await database.execute("delete from outbox")
        second = await opened.reconciler.run_once()
    assert (first.is_clean, first.found(), first.repaired()) == (
        True,
        {"application_overdue": 1},
        {"application_overdue": 1},
    )
    assert (second.is_clean, second.found(), second.cases_opened()) == (True, {}, 0)
    assert await audited(database, application_id) == ["application.helped_on"]
    runs = await database.fetch(
        "select found::text, repaired::text, cases_opened, unchecked::text from reconciliation_runs order by run_id"
    )
    assert [orjson.loads(run["found"]) for run in runs] == [{"application_overdue": 1}, {}]
    found = metrics.registry.get_sample_value(
        "fundline_reconciler_findings_total", {"trouble": "application_overdue", "result": "repaired"}
    )
    assert (found, metrics.registry.get_sample_value("fundline_reconciler_unrepaired")) == (1, 0)


async def test_the_process_makes_a_full_run_first_and_then_once_a_day(settings, database):
    often = settings.model_copy(update={"reconciler_every_s": 0.05})
    stop = asyncio.Event()
    async with open_reconciler(often, Metrics(CollectorRegistry())) as opened:
        watching = asyncio.create_task(opened.reconciler.run(stop))
        runs = []
        async with asyncio.timeout(60):
            while len(runs) < 3:
                runs = await database.fetch("select is_full from reconciliation_runs order by run_id")
        stop.set()
        await watching
    assert [run["is_full"] for run in runs] == [True, False, False]


async def test_a_bank_that_is_away_stops_no_other_check(settings, database, box):
    await store_application(database, box, status="risk_scoring")
    away = settings.model_copy(update={"bank_url": "http://127.0.0.1:9"})
    metrics = Metrics(CollectorRegistry())
    async with open_reconciler(away, metrics) as opened:
        run = await opened.reconciler.run_once()
    assert (run.is_clean, run.found()) == (False, {"application_overdue": 1})
    assert list(run.unchecked) == ["bank"]
    assert metrics.registry.get_sample_value("fundline_reconciler_unchecked", {"check": "bank"}) == 1


async def test_of_two_reconcilers_one_works(settings):
    other = Candidate(settings, settings.reconciler_lock_id)
    assert await other.try_to_lead() is not None
    async with open_reconciler(settings, Metrics(CollectorRegistry())) as opened:
        assert await opened.reconciler.take_turn() is None
        other.resign()
        turn = None
        async with asyncio.timeout(30):
            while turn is None:
                turn = await opened.reconciler.take_turn()
    assert turn.is_clean


async def test_the_command_says_what_it_found_and_exits_with_1_when_a_person_must_look(
    settings, database, box
):
    def fundline(*arguments):
        environment = {
            "FUNDLINE_DATABASE_URL": settings.database_url,
            "FUNDLINE_CACHE_URL": settings.cache_url,
            "FUNDLINE_BANK_URL": settings.bank_url,
            "FUNDLINE_KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
        }
        return asyncio.to_thread(CliRunner().invoke, app, list(arguments), env=environment)

    quiet = await fundline("--once")
    assert (quiet.exit_code, quiet.stdout) == (0, "Nothing is stuck, and nothing differs.\n")
    application_id = await store_application(database, box)  # approved, and nobody says by whom
    shown = await fundline("--once", "--json")
    assert shown.exit_code == 1
    answer = json.loads(shown.stdout)
    assert (answer["clean"], answer["found"], answer["casesOpened"]) == (False, {"application_overdue": 1}, 1)
    assert answer["findings"][0]["subject"] == str(application_id)
    people = await fundline("--once")
    assert people.exit_code == 1
    assert people.stdout.splitlines()[-1] == "1 found, 0 repaired, 0 cases opened."
    assert utc_now() > AT
