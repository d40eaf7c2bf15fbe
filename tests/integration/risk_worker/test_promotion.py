"""Promotion and rollback: flags file, record of changes and cached scores, on the real engines."""

import asyncio
import contextlib
from pathlib import Path

import pytest

from fundline.commands.flag_edit import read_flags
from fundline.commands.model.deeds import Promotion, drop_scores
from fundline.commands.model.split import Split, read_split
from fundline.platform.command_errors import CommandFailed
from fundline.platform.database import Database
from fundline.platform.refusals import Unavailable
from fundline.records.cached import RISK_SCORE
from fundline.services.risk_worker import experiment_store as store
from fundline.stack.flags_file import DEFAULT_FLAGS
from support.model_changes import AUTHOR, CHALLENGER, CHAMPION, MadeUpModels
from support.ports import free_port

pytestmark = pytest.mark.integration


@pytest.fixture
def file(tmp_path) -> Path:
    path = tmp_path / "flags.json"
    path.write_bytes(DEFAULT_FLAGS.read_bytes())
    return path


@pytest.fixture
def promotion(database, file) -> Promotion:
    return Promotion(database, file, MadeUpModels())


def split(file: Path) -> Split:
    return read_split(read_flags(file))


async def changes(database: Database) -> list[tuple[str, str, int | None, str, str]]:
    rows = await database.fetch(
        "select action, model_version, share_percent, actor, reason from model_changes order by change"
    )
    return [tuple(row) for row in rows]


async def test_each_step_changes_the_file_and_is_recorded_with_who_and_why(promotion, database, file):
    await promotion.promote(CHALLENGER, 50, AUTHOR)
    assert split(file) == Split(CHAMPION, CHALLENGER, 50)
    await promotion.promote(CHALLENGER, 100, AUTHOR)
    assert split(file) == Split(CHALLENGER, CHAMPION, 0)
    who_and_why = (AUTHOR.actor, AUTHOR.reason)
    assert await changes(database) == [
        ("promoted", CHALLENGER, 50, *who_and_why),
        ("promoted", CHALLENGER, 100, *who_and_why),
    ]


async def test_a_rollback_takes_the_challengers_applicants_away(promotion, file):
    changed = await promotion.rollback(AUTHOR)
    assert (changed.version, split(file)) == (CHALLENGER, Split(CHAMPION, CHALLENGER, 0))


async def test_a_rollback_after_the_last_step_brings_the_champion_before_back(promotion, file):
    await promotion.promote(CHALLENGER, 100, AUTHOR, force=True)
    await promotion.rollback(AUTHOR)
    assert split(file) == Split(CHAMPION, CHALLENGER, 0)


async def test_a_second_rollback_finds_nothing_and_changes_nothing(promotion, database, file):
    await promotion.rollback(AUTHOR)
    before = (file.read_bytes(), await changes(database))
    with pytest.raises(CommandFailed, match="nothing to roll back"):
        await promotion.rollback(AUTHOR)
    assert (file.read_bytes(), await changes(database)) == before


@pytest.mark.parametrize(
    ("version", "broken", "sentence"),
    [("nobody-1", (), "no model 'nobody-1'; there are"), (CHALLENGER, (CHALLENGER,), "cannot be used")],
)
async def test_a_model_that_is_not_there_or_does_not_load_is_not_promoted(
    database, file, version, broken, sentence
):
    with pytest.raises(CommandFailed, match=sentence):
        await Promotion(database, file, MadeUpModels(*broken)).promote(version, 50, AUTHOR)
    assert split(file) == Split(CHAMPION, CHALLENGER, 10)
    assert await changes(database) == []


async def test_a_rollback_works_although_the_challenger_does_not_load(database, file):
    await Promotion(database, file, MadeUpModels(CHALLENGER)).rollback(AUTHOR)
    assert split(file) == Split(CHAMPION, CHALLENGER, 0)


async def test_a_tripped_model_is_promoted_only_with_a_reset_and_both_are_recorded(promotion, database, file):
    await store.record_change(
        database, "tripped", CHALLENGER, source="tests", actor="guardrail", reason="It failed."
    )
    with pytest.raises(CommandFailed, match="was tripped by the guardrail"):
        await promotion.promote(CHALLENGER, 50, AUTHOR)
    await promotion.promote(CHALLENGER, 50, AUTHOR, reset=True)
    assert split(file).share == 50
    assert [action for action, *_ in await changes(database)] == ["tripped", "reset", "promoted"]
    assert await store.tripped_versions(database) == frozenset()


async def test_a_trip_is_lifted_once(promotion, database):
    await store.record_change(
        database, "tripped", CHALLENGER, source="tests", actor="guardrail", reason="It failed."
    )
    await promotion.reset(CHALLENGER, AUTHOR)
    with pytest.raises(CommandFailed, match="is not tripped"):
        await promotion.reset(CHALLENGER, AUTHOR)


class Disturbed:
    """The database, with something that happens before a query, or after the last one of a transaction."""

    def __init__(self, database: Database, *, before_query=lambda: None, before_commit=lambda: None) -> None:
        self._database, self._before_query, self._before_commit = database, before_query, before_commit

    async def fetch(self, sql, *arguments):
        self._before_query()
        return await self._database.fetch(sql, *arguments)

    @contextlib.asynccontextmanager
    async def transaction(self):
        async with self._database.transaction() as connection:
            yield connection
            self._before_commit()


async def test_when_the_record_is_not_committed_the_file_is_as_before(database, file):
    before = read_flags(file)

    def commit_fails() -> None:
        assert split(file).share == 50
        raise Unavailable("the connection was lost")

    disturbed = Promotion(Disturbed(database, before_commit=commit_fails), file, MadeUpModels())
    with pytest.raises(Unavailable):
        await disturbed.promote(CHALLENGER, 50, AUTHOR)
    assert read_flags(file) == before
    assert await changes(database) == []


async def test_when_the_file_cannot_be_written_nothing_is_recorded(database, file):
    disturbed = Promotion(Disturbed(database, before_query=file.unlink), file, MadeUpModels())
    with pytest.raises(CommandFailed, match="cannot be written"):
        await disturbed.promote(CHALLENGER, 50, AUTHOR)
    assert await changes(database) == []


async def test_every_cached_score_is_dropped_and_nothing_else(engines, cache):
    keys = [RISK_SCORE.key(f"sweep-{number}") for number in range(1100)]  # more than one batch of the sweep
    for first in range(0, len(keys), 50):  # all at once would outlast the cache's limit on a busy machine
        batch = keys[first : first + 50]
        await asyncio.gather(*(cache.put(key, b"{}", ttl_s=60) for key in batch))
    await cache.put("status:sweep", b"0000000001{}", ttl_s=60)
    assert await drop_scores(engines.cache_url) >= 1100
    assert await cache.get(keys[7]) is None
    assert await cache.get("status:sweep") is not None
    assert await drop_scores(engines.cache_url) == 0


async def test_a_cache_that_is_away_is_told_and_stops_nobody():
    assert await drop_scores(f"redis://127.0.0.1:{free_port()}/0") is None
