"""The guardrail over real decisions in PostgreSQL: it trips a challenger off by itself, in all workers."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import pytest
from prometheus_client import CollectorRegistry

from fundline.platform.database import Candidate, Database, open_database
from fundline.platform.refusals import Unavailable
from fundline.platform.settings import DatabaseSettings
from fundline.platform.telemetry.metrics import Metrics
from fundline.records.model_changes import record_change, tripped_versions
from fundline.services.risk_worker.experiment import TrippedVersions
from fundline.services.risk_worker.guardrail import Guardrail, GuardrailSettings
from support.kafka import running
from support.model_changes import CHALLENGER, CHAMPION, decisions

pytestmark = pytest.mark.integration


class Pair:
    """The experiment as the guardrail sees it."""

    def __init__(self, challenger: str | None = CHALLENGER) -> None:
        self.challenger = challenger

    def pair(self) -> tuple[str, str | None]:
        return CHAMPION, self.challenger


@pytest.fixture
def settings(database_url) -> GuardrailSettings:
    return GuardrailSettings(database_url=database_url, guardrail_every_s=0.05, guardrail_lock_id=7)


@pytest.fixture
async def database(settings) -> AsyncIterator[Database]:
    opened = await open_database(DatabaseSettings(database_url=settings.database_url))
    yield opened
    await opened.close()


@pytest.fixture
async def look(settings) -> AsyncIterator[Callable]:
    candidate = Candidate(settings, settings.guardrail_lock_id)
    guardrail = Guardrail(settings, Pair(), Metrics(CollectorRegistry()))

    async def once():
        connection = await candidate.try_to_lead()
        assert connection is not None
        return await guardrail.look(connection)

    yield once
    candidate.resign()


async def actions(database: Database) -> list[str]:
    return [row["action"] for row in await database.fetch("select action from model_changes order by change")]


async def test_a_challenger_that_fails_is_tripped_once_with_the_figures_in_the_record(database, look):
    await decisions(database, CHAMPION, 180)
    await decisions(database, CHALLENGER, 30, verdict="pending_review", failed=True)
    drift = await look()
    assert drift.cause == "error-rate"
    (row,) = await database.fetch("select actor, reason, figures ->> 'cause' as cause from model_changes")
    assert tuple(row) == ("guardrail", drift.sentence, "error-rate")
    assert await tripped_versions(database) == {CHALLENGER}
    assert await look() is None
    assert await actions(database) == ["tripped"]


@pytest.mark.parametrize("approved", [0, 100], ids=["nobody", "everybody"])
async def test_a_challenger_that_approves_otherwise_is_tripped(database, look, approved):
    await decisions(database, CHAMPION, 60)
    await decisions(database, CHAMPION, 60, verdict="rejected")
    await decisions(database, CHALLENGER, approved)
    await decisions(database, CHALLENGER, 100 - approved, verdict="rejected")
    assert (await look()).cause == "approval-rate"


async def test_an_outage_that_hits_both_models_trips_nobody(database, look):
    for version in (CHAMPION, CHALLENGER):
        await decisions(database, version, 100, verdict="pending_review", failed=True)
    assert await look() is None


async def test_few_decisions_trip_nobody(database, look):
    await decisions(database, CHAMPION, 300)
    await decisions(database, CHALLENGER, 19, verdict="pending_review", failed=True)
    assert await look() is None


async def test_good_days_of_last_week_do_not_hide_a_bad_hour(database, look):
    """The shortest window with enough decisions is judged."""
    for version in (CHAMPION, CHALLENGER):
        await decisions(database, version, 1000, ago=timedelta(days=2))
    await decisions(database, CHAMPION, 200, ago=timedelta(minutes=30))
    await decisions(
        database, CHALLENGER, 200, verdict="pending_review", failed=True, ago=timedelta(minutes=30)
    )
    assert (await look()).cause == "error-rate"


@pytest.mark.parametrize("action", ["promoted", "reset"])
async def test_what_was_before_a_promotion_or_a_reset_does_not_count(database, look, action):
    await decisions(database, CHAMPION, 100)
    await decisions(database, CHALLENGER, 100, failed=True, ago=timedelta(seconds=1))
    await record_change(database, action, CHALLENGER, source="tests", actor="uma", reason="Mended.")
    assert await look() is None


async def test_a_challenger_that_was_rolled_back_is_left_alone(database, look):
    await record_change(database, "rolled_back", CHALLENGER, source="tests", actor="uma", reason="No.")
    await decisions(database, CHAMPION, 100)
    await decisions(database, CHALLENGER, 100, failed=True)
    assert await look() is None


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.02)


async def test_of_two_workers_one_watches_and_both_know_of_the_trip_without_a_restart(settings, database):
    metrics = [Metrics(CollectorRegistry()) for _ in range(2)]
    watching = [Guardrail(settings, Pair(), one) for one in metrics]
    known = [TrippedVersions(database, every_s=0.05) for _ in range(2)]
    async with running(*watching, *known):
        await until(lambda: sum(_leads(one) for one in metrics) == 1)
        await decisions(database, CHAMPION, 50)
        await decisions(database, CHALLENGER, 50, failed=True)
        await until(lambda: all(one() == {CHALLENGER} for one in known))
        await record_change(database, "reset", CHALLENGER, source="tests", actor="uma", reason="Mended.")
        await until(lambda: not any(one() for one in known))
    assert await actions(database) == ["tripped", "reset"]


def _leads(metrics: Metrics) -> float:
    return metrics.registry.get_sample_value("fundline_guardrail_leader") or 0


async def test_while_the_database_is_away_what_was_tripped_stays_tripped(database):
    await record_change(
        database, "tripped", CHALLENGER, source="tests", actor="guardrail", reason="It failed."
    )
    known = TrippedVersions(database, every_s=1)
    await known.refresh()
    await database.close()
    with pytest.raises(Unavailable):
        await known.refresh()
    assert known() == {CHALLENGER}
