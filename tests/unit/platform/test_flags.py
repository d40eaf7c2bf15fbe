"""Flags from a flagd file and from LaunchDarkly's own test source; neither needs a network."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from ldclient.integrations.test_data import TestData
from prometheus_client import CollectorRegistry

from fundline.platform.flags import (
    BadFlagSettings,
    Flags,
    FlagSettings,
    launchdarkly_provider,
    open_flags,
)
from fundline.platform.telemetry.metrics import Metrics

FLAG = "risk-model"
PEOPLE = [f"person-{number}" for number in range(400)]


def document(share: int, *, state: str = "ENABLED", value: Any = "new") -> dict[str, Any]:
    """`share` per cent of the people get `value`, the others "old"."""
    split = {"fractional": [["new", share], ["old", 100 - share]]}
    variants = {"new": value, "old": "old"}
    flag = {"state": state, "variants": variants, "defaultVariant": "old", "targeting": split}
    return {"flags": {FLAG: flag}}


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(CollectorRegistry())


@pytest.fixture
def file(tmp_path) -> Path:
    path = tmp_path / "flags.json"
    path.write_text(json.dumps(document(10)))
    return path


@pytest.fixture
async def flags(file, metrics) -> AsyncIterator[Flags]:
    opened = await open_flags(FlagSettings(flags_file=file), metrics)
    yield opened
    await opened.close()


def asked(flags: Flags, person: str = "ann") -> str:
    return flags.string(FLAG, "default", targeting_key=person).value


def those_with(flags: Flags, value: str) -> set[str]:
    return {person for person in PEOPLE if asked(flags, person) == value}


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.02)


def replace(file: Path, text: str) -> None:
    begun = file.with_suffix(".begun")
    begun.write_text(text)
    begun.replace(file)


def evaluations(metrics: Metrics, variant: str, reason: str) -> float | None:
    labels = {"flag": FLAG, "variant": variant, "reason": reason}
    return metrics.registry.get_sample_value("fundline_flag_evaluations_total", labels)


async def test_a_person_gets_the_same_answer_each_time_and_a_growing_share_only_adds_people(flags, file):
    tenth = those_with(flags, "new")
    assert tenth == those_with(flags, "new")
    assert 0.05 < len(tenth) / len(PEOPLE) < 0.16
    replace(file, json.dumps(document(50)))
    await until(lambda: those_with(flags, "new") > tenth)
    half = those_with(flags, "new")
    assert 0.4 < len(half) / len(PEOPLE) < 0.6
    replace(file, json.dumps(document(100)))
    await until(lambda: those_with(flags, "new") == set(PEOPLE))
    replace(file, json.dumps(document(10)))
    await until(lambda: those_with(flags, "new") == tenth)


@pytest.mark.parametrize("broken", ["{not json", "[]", "", '{"flags": 7}'])
async def test_while_the_file_is_broken_the_last_flags_stay_and_a_mended_file_is_read(flags, file, broken):
    before = those_with(flags, "new")
    replace(file, broken)
    await until(lambda: flags._is_broken)
    assert those_with(flags, "new") == before
    replace(file, json.dumps(document(100)))
    await until(lambda: those_with(flags, "new") == set(PEOPLE))


async def test_a_file_that_comes_later_is_read_and_until_then_the_default_stands(tmp_path, metrics):
    late = tmp_path / "late.json"
    opened = await open_flags(FlagSettings(flags_file=late), metrics)
    assert asked(opened) == "default"
    late.write_text(json.dumps(document(100)))
    await until(lambda: asked(opened) == "new")
    await opened.close()


@pytest.mark.parametrize(
    "change", [{"state": "DISABLED"}, {"value": 7}, {"value": None}], ids=["disabled", "a number", "nothing"]
)
async def test_a_flag_that_is_no_use_gives_the_default(file, metrics, change):
    replace(file, json.dumps(document(100, **change)))
    opened = await open_flags(FlagSettings(flags_file=file), metrics)
    assert asked(opened) == "default"
    await opened.close()


async def test_a_flag_that_nobody_knows_gives_the_default_and_says_why(flags, metrics):
    answer = flags.string("other", "default", targeting_key="ann")
    assert (answer.value, answer.variant, answer.reason) == ("default", None, "FLAG_NOT_FOUND")


async def test_evaluations_are_counted_by_variant_and_reason(flags, metrics):
    newcomer = min(those_with(flags, "new"))
    before = evaluations(metrics, "new", "TARGETING_MATCH")
    asked(flags, newcomer)
    assert evaluations(metrics, "new", "TARGETING_MATCH") == before + 1


async def test_two_sets_of_flags_in_one_process_do_not_meet(flags, tmp_path, metrics):
    other = tmp_path / "other.json"
    other.write_text(json.dumps(document(100)))
    second = await open_flags(FlagSettings(flags_file=other), metrics)
    assert those_with(second, "new") == set(PEOPLE)
    assert len(those_with(flags, "new")) < len(PEOPLE) / 2
    await second.close()
    assert len(those_with(flags, "new")) > 0


@pytest.fixture
async def launchdarkly(metrics) -> AsyncIterator[tuple[TestData, Flags]]:
    """The real provider and client over LaunchDarkly's test source: no connection, no events."""
    source = TestData.data_source()
    source.update(source.flag(FLAG).variations("old", "new").fallthrough_variation(0))
    provider = launchdarkly_provider("sdk-test", update_processor_class=source, send_events=False)
    opened = Flags(provider, metrics)
    await asyncio.to_thread(opened.start)
    yield source, opened
    await opened.close()


async def test_launchdarkly_decides_by_person_and_a_change_is_in_force_at_once(launchdarkly):
    source, flags = launchdarkly
    assert asked(flags, "ann") == "old"
    source.update(source.flag(FLAG).variation_for_key("user", "ann", 1))
    await until(lambda: asked(flags, "ann") == "new")
    assert asked(flags, "bob") == "old"
    source.update(source.flag(FLAG).variation_for_all(1))
    await until(lambda: asked(flags, "bob") == "new")


async def test_a_flag_that_launchdarkly_does_not_know_gives_the_default(launchdarkly):
    _, flags = launchdarkly
    assert flags.string("other", "default", targeting_key="ann").value == "default"


async def test_launchdarkly_without_a_key_is_refused_with_the_name_of_the_setting(metrics):
    settings = FlagSettings(flags_provider="launchdarkly")
    with pytest.raises(BadFlagSettings, match="FUNDLINE_LAUNCHDARKLY_SDK_KEY"):
        await open_flags(settings, metrics)


def test_the_key_of_launchdarkly_is_not_shown_with_the_settings():
    assert "s3cret" not in repr(FlagSettings(launchdarkly_sdk_key="s3cret"))
