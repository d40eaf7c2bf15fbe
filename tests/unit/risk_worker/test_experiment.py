"""Which model decides about whom, over real flags: OpenFeature's provider in memory."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from openfeature.evaluation_context import EvaluationContext
from openfeature.flag_evaluation import FlagResolutionDetails, Reason
from openfeature.provider.in_memory_provider import InMemoryFlag, InMemoryProvider
from prometheus_client import CollectorRegistry

from fundline.platform.flags import Flags
from fundline.platform.telemetry.metrics import Metrics
from fundline.records.model_flags import CHALLENGER_FLAG, CHAMPION_FLAG, RISK_MODEL, SHADOW_FLAG
from fundline.services.risk_worker.experiment import BUILT_IN_CHAMPION, Choice, Experiment

CHALLENGER, OTHER_CHAMPION = "lightgbm-1", "scorecard-9"
ANN, BOB = "ann", "bob"


class Situation:
    """Ann meets the challenger, everybody else the champion; the test changes the rest."""

    def __init__(self) -> None:
        provider = InMemoryProvider({})
        self.flags = provider._flags
        self.tripped: set[str] = set()
        self.metrics = Metrics(CollectorRegistry())
        self.set(CHAMPION_FLAG, BUILT_IN_CHAMPION)
        self.set(CHALLENGER_FLAG, CHALLENGER)
        self.set(SHADOW_FLAG, "other")
        self.set(RISK_MODEL, BUILT_IN_CHAMPION, for_ann=CHALLENGER)
        self.opened = Flags(provider, self.metrics)
        self.experiment = Experiment(self.opened, lambda: self.tripped, self.metrics)

    def set(self, flag: str, value: str, *, for_ann: str | None = None) -> None:
        evaluator: Callable[..., FlagResolutionDetails[str]] | None = None
        if for_ann is not None:

            def split(_: InMemoryFlag[str], context: EvaluationContext) -> FlagResolutionDetails[str]:
                found = for_ann if context.targeting_key == ANN else value
                return FlagResolutionDetails(found, reason=Reason.TARGETING_MATCH, variant=found)

            evaluator = split
        self.flags[flag] = InMemoryFlag("it", {"it": value}, context_evaluator=evaluator)

    def choose(self, applicant: str) -> Choice:
        return self.experiment.choose(applicant)


@pytest.fixture
async def situation() -> AsyncIterator[Situation]:
    made = Situation()
    await asyncio.to_thread(made.opened.start)
    yield made
    await made.opened.close()


def test_each_applicant_meets_the_model_of_the_flag_and_the_other_one_looks_on(situation):
    assert situation.choose(ANN) == Choice(
        CHALLENGER, "challenger", CHALLENGER, BUILT_IN_CHAMPION, "TARGETING_MATCH"
    )
    bob = situation.choose(BOB)
    assert (bob.version, bob.role, bob.shadow) == (BUILT_IN_CHAMPION, "champion", CHALLENGER)


def test_without_any_flag_the_built_in_champion_decides_and_nobody_looks_on(situation):
    situation.flags.clear()
    choice = situation.choose(ANN)
    assert (choice.version, choice.role, choice.variant, choice.shadow) == (
        BUILT_IN_CHAMPION, "champion", None, None,
    )  # fmt: skip
    assert choice.reason == "FLAG_NOT_FOUND"


def test_a_tripped_challenger_gives_its_applicants_to_the_champion_whatever_the_flag_says(situation):
    situation.tripped.add(CHALLENGER)
    choice = situation.choose(ANN)
    assert (choice.version, choice.role, choice.reason) == (BUILT_IN_CHAMPION, "champion", "tripped")
    assert choice.shadow is None
    assert situation.choose(BOB).shadow is None
    situation.tripped.clear()
    assert situation.choose(ANN).version == CHALLENGER


def test_a_tripped_champion_gives_way_to_the_built_in_one(situation):
    situation.set(CHAMPION_FLAG, OTHER_CHAMPION)
    situation.set(RISK_MODEL, OTHER_CHAMPION, for_ann=CHALLENGER)
    assert situation.choose(BOB).version == OTHER_CHAMPION
    situation.tripped.add(OTHER_CHAMPION)
    assert situation.choose(BOB).version == BUILT_IN_CHAMPION
    assert situation.experiment.pair() == (BUILT_IN_CHAMPION, CHALLENGER)


@pytest.mark.parametrize(
    ("flag", "of_ann", "of_bob"),
    [
        ("off", None, None),
        ("other", BUILT_IN_CHAMPION, CHALLENGER),
        (CHALLENGER, None, CHALLENGER),
        (OTHER_CHAMPION, OTHER_CHAMPION, OTHER_CHAMPION),
    ],
)
def test_the_shadow_is_nobody_the_other_model_or_a_named_one_but_never_the_one_that_decides(
    situation, flag, of_ann, of_bob
):
    situation.set(SHADOW_FLAG, flag)
    assert (situation.choose(ANN).shadow, situation.choose(BOB).shadow) == (of_ann, of_bob)


def test_without_a_challenger_there_is_no_pair_to_watch_and_no_shadow(situation):
    situation.set(CHALLENGER_FLAG, "none")
    assert situation.experiment.pair() == (BUILT_IN_CHAMPION, None)
    assert situation.choose(BOB).shadow is None


def test_choices_are_counted_by_model_role_and_reason(situation):
    situation.choose(ANN)
    labels = {"model": CHALLENGER, "role": "challenger", "reason": "TARGETING_MATCH"}
    assert situation.metrics.registry.get_sample_value("fundline_model_choices_total", labels) == 1
