"""Promotion and rollback: flags file, record of changes and cached scores, on the real engines."""

import asyncio
import contextlib
from datetime import timedelta
from pathlib import Path

import pytest

from fundline.commands.model.scores import drop_scores
from fundline.contracts.roles import Role
from fundline.platform.clock import utc_now
from fundline.platform.database import Database
from fundline.platform.flag_file import FlagFile, FlagFileUnusable, FlagsElsewhere, read_flags
from fundline.platform.identity import Caller
from fundline.platform.refusals import Refusal, Unavailable
from fundline.records.cached import RISK_SCORE
from fundline.records.model_changes import record_change, tripped_versions
from fundline.records.payments_flag import payments_are
from fundline.services.operations_api.models.deeds import ModelDeeds
from fundline.services.operations_api.models.schemas import PromotionRequest
from fundline.services.operations_api.models.split import Split, read_split
from fundline.services.operations_api.payments_switch.journal import halt_here
from fundline.stack.flags_file import DEFAULT_FLAGS
from support.model_changes import CHALLENGER, CHAMPION, FIRST, REASON, SECOND, MadeUpModels, TwoPeople
from support.ports import free_port
from support.writes import once

pytestmark = pytest.mark.integration


@pytest.fixture
def file(tmp_path) -> Path:
    path = tmp_path / "flags.json"
    path.write_bytes(DEFAULT_FLAGS.read_bytes())
    return path


@pytest.fixture
def promotion(deeds) -> TwoPeople:
    return TwoPeople(deeds)


def split(file: Path) -> Split:
    return read_split(read_flags(file))


async def changes(database: Database) -> list[tuple[str, str, int | None, str, str]]:
    rows = await database.fetch(
        "select action, model_version, share_percent, actor, reason from model_changes order by change"
    )
    return [tuple(row) for row in rows]


async def test_each_step_changes_the_file_and_is_recorded_with_who_and_why(promotion, database, file):
    await promotion.promote(CHALLENGER, 50)
    assert split(file) == Split(CHAMPION, CHALLENGER, 50)
    await promotion.promote(CHALLENGER, 100)
    assert split(file) == Split(CHALLENGER, CHAMPION, 0)
    who_and_why = (SECOND.subject, REASON)
    assert await changes(database) == [
        ("promoted", CHALLENGER, 50, *who_and_why),
        ("promoted", CHALLENGER, 100, *who_and_why),
    ]


async def test_a_rollback_takes_the_challengers_applicants_away(promotion, file):
    changed = await promotion.rollback()
    assert (changed.model_version, split(file)) == (CHALLENGER, Split(CHAMPION, CHALLENGER, 0))


async def test_a_rollback_after_the_last_step_brings_the_champion_before_back(promotion, file):
    await promotion.promote(CHALLENGER, 100, force=True)
    await promotion.rollback()
    assert split(file) == Split(CHAMPION, CHALLENGER, 0)


async def test_a_second_rollback_finds_nothing_and_changes_nothing(promotion, database, file):
    await promotion.rollback()
    before = (file.read_bytes(), await changes(database))
    with pytest.raises(Refusal, match="nothing to roll back"):
        await promotion.rollback()
    assert (file.read_bytes(), await changes(database)) == before


@pytest.mark.parametrize(
    ("version", "broken", "sentence"),
    [("nobody-1", (), "no model “nobody-1”; there are"), (CHALLENGER, (CHALLENGER,), "cannot be used")],
)
async def test_a_model_that_is_not_there_or_does_not_load_is_not_promoted(
    database, file, version, broken, sentence
):
    with pytest.raises(Refusal, match=sentence):
        await TwoPeople(ModelDeeds(database, FlagFile(file), MadeUpModels(*broken))).promote(version, 50)
    assert split(file) == Split(CHAMPION, CHALLENGER, 10)
    assert await changes(database) == []


async def test_a_rollback_works_although_the_challenger_does_not_load(database, file):
    await TwoPeople(ModelDeeds(database, FlagFile(file), MadeUpModels(CHALLENGER))).rollback()
    assert split(file) == Split(CHAMPION, CHALLENGER, 0)


async def test_a_tripped_model_is_promoted_only_with_a_reset_and_both_are_recorded(promotion, database, file):
    await record_change(
        database, "tripped", CHALLENGER, source="tests", actor="guardrail", reason="It failed."
    )
    with pytest.raises(Refusal, match="was tripped by the guardrail"):
        await promotion.promote(CHALLENGER, 50)
    await promotion.promote(CHALLENGER, 50, reset=True)
    assert split(file).share == 50
    assert [action for action, *_ in await changes(database)] == ["tripped", "reset", "promoted"]
    assert await tripped_versions(database) == frozenset()


async def test_a_trip_is_lifted_once(promotion, database):
    await record_change(
        database, "tripped", CHALLENGER, source="tests", actor="guardrail", reason="It failed."
    )
    await promotion.reset(CHALLENGER)
    with pytest.raises(Refusal, match="is not tripped"):
        await promotion.reset(CHALLENGER)


def wanted(share: int, **more: bool) -> PromotionRequest:
    return PromotionRequest.model_validate({"sharePercent": share, "reason": REASON, **more})


class FailingCommit:
    """The database, with something that happens after the last query of a transaction."""

    def __init__(self, database: Database, before_commit) -> None:
        self._database, self._before_commit = database, before_commit

    @contextlib.asynccontextmanager
    async def transaction(self):
        async with self._database.transaction() as connection:
            yield connection
            self._before_commit()


@pytest.fixture
def deeds(database, file) -> ModelDeeds:
    return ModelDeeds(database, FlagFile(file), MadeUpModels())


async def test_when_the_record_is_not_committed_the_file_is_as_before(database, deeds, file):
    before = read_flags(file)

    def commit_fails() -> None:
        assert split(file).share == 50
        raise Unavailable("the connection was lost")

    await deeds.promote(FIRST, CHALLENGER, wanted(50), once("otto"))
    disturbed = ModelDeeds(FailingCommit(database, commit_fails), FlagFile(file), MadeUpModels())
    with pytest.raises(Unavailable):
        await disturbed.promote(SECOND, CHALLENGER, wanted(50), once("uma"))
    assert read_flags(file) == before
    assert await changes(database) == []


async def test_when_the_file_cannot_be_written_nothing_is_recorded(database, deeds, file):
    await deeds.promote(FIRST, CHALLENGER, wanted(50), once("otto"))

    def clock_that_takes_the_file_away():
        file.unlink(missing_ok=True)
        return utc_now()

    disturbed = ModelDeeds(database, FlagFile(file), MadeUpModels(), now=clock_that_takes_the_file_away)
    with pytest.raises(FlagFileUnusable, match="cannot be read"):
        await disturbed.promote(SECOND, CHALLENGER, wanted(50), once("uma"))
    assert await changes(database) == []


@pytest.mark.parametrize("again", ["otto", "OTTO", "ott\uff4f", "otto "])
async def test_nobody_promotes_a_model_alone_however_they_are_spelled(database, deeds, file, again):
    for subject in ("otto", again):
        caller = Caller(subject, Role.OPERATOR)
        told = await deeds.promote(caller, CHALLENGER, wanted(50), once(subject))
        assert told.state == "asked"
    assert split(file).share == 10
    assert await changes(database) == []


async def test_another_wish_of_another_person_is_no_agreement(database, deeds, file):
    await deeds.promote(FIRST, CHALLENGER, wanted(50), once("otto"))
    told = await deeds.promote(SECOND, CHALLENGER, wanted(100, force=True), once("uma"))
    assert (told.state, split(file).share) == ("asked", 10)
    agreed = await deeds.promote(FIRST, CHALLENGER, wanted(100, force=True), once("otto"))
    assert (agreed.state, split(file)) == ("done", Split(CHALLENGER, CHAMPION, 0))


async def test_a_wish_lapses_after_a_day(database, deeds, file):
    yesterday = ModelDeeds(
        database, FlagFile(file), MadeUpModels(), now=lambda: utc_now() - timedelta(hours=25)
    )
    await yesterday.promote(FIRST, CHALLENGER, wanted(50), once("otto"))
    told = await deeds.promote(SECOND, CHALLENGER, wanted(50), once("uma"))
    assert (told.state, split(file).share) == ("asked", 10)


async def test_a_rollback_withdraws_what_was_asked_for(deeds, file):
    await deeds.promote(FIRST, CHALLENGER, wanted(50), once("otto"))
    await deeds.rollback(SECOND, REASON, once("uma"))
    told = await deeds.promote(SECOND, CHALLENGER, wanted(50), once("uma"))
    assert (told.state, split(file).share) == ("asked", 0)


async def test_a_halt_by_the_emergency_door_survives_a_promotion_that_fails(database, deeds, file):
    await deeds.promote(FIRST, CHALLENGER, wanted(50), once("otto"))

    def commit_fails() -> None:
        halt_here(file, "emergency:olga", "The bank has called.", at=utc_now())
        raise Unavailable("the connection was lost")

    disturbed = ModelDeeds(FailingCommit(database, commit_fails), FlagFile(file), MadeUpModels())
    with pytest.raises(Unavailable):
        await disturbed.promote(SECOND, CHALLENGER, wanted(50), once("uma"))
    assert payments_are(read_flags(file)) == "halted"
    assert split(file).share == 10


async def test_with_launchdarkly_nothing_is_changed_here(database, file):
    deeds = ModelDeeds(database, FlagFile(file, "launchdarkly"), MadeUpModels())
    with pytest.raises(FlagsElsewhere, match="are changed in LaunchDarkly"):
        await deeds.rollback(SECOND, REASON, once("uma"))


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
