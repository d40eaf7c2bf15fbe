"""What one core can score: the models one by one and in batches, the simulation, and a whole judgement without I/O."""

import itertools
import time
from collections.abc import Callable
from decimal import Decimal

import lightgbm
import numpy as np

from fundline.demo.applicants import derive_application, sample_loans
from fundline.domain.facts import ApplicantFacts
from fundline.domain.policy import POLICY_2
from fundline.platform.clock import new_id
from fundline.risk import cashflow
from fundline.risk.artefact import MODELS_DIRECTORY, load_model
from fundline.risk.evidence import Inputs, stress_of, to_json
from fundline.risk.features import features_of_application
from fundline.risk.model import Model, model_score
from load.figures import Figure, beside_limit, spread
from support.facts_of import facts_of

SCORECARD, TREES = "scorecard-2", "lightgbm-1"
BATCH = 1000
_SEED = 1


def applicants() -> list[ApplicantFacts]:
    """The demo's applications, as the worker reads them from the database."""
    return [facts_of(derive_application(loan, _SEED)) for loan in sample_loans()]


def scoring_figures(*, quick: bool) -> dict[str, Figure]:
    seconds, rounds = (0.5, 1) if quick else (2.0, 5)
    people = applicants()
    trees = load_model(MODELS_DIRECTORY / TREES)
    scorecard = load_model(MODELS_DIRECTORY / SCORECARD)
    return {
        "trees_single": _beside_plain_trees(trees, people, 1, seconds, rounds),
        "trees_batch": _beside_plain_trees(trees, people, BATCH, seconds, rounds),
        "scorecard_single": _alone(_answers(scorecard, people, 1), 1, seconds, rounds),
        "scorecard_batch": _alone(_answers(scorecard, people, BATCH), BATCH, seconds, rounds),
        "simulation": _simulation(people, seconds, rounds),
        "judgement": _judgement(scorecard, people, seconds, rounds),
    }


def _beside_plain_trees(
    model: Model, people: list[ApplicantFacts], batch: int, seconds: float, rounds: int
) -> Figure:
    """The limit gives probabilities only, from a matrix that is ready: no check, no encoding, no reasons."""
    booster = lightgbm.Booster(model_file=str(MODELS_DIRECTORY / model.version / "model.txt"))
    matrix = np.random.default_rng(_SEED).normal(size=(batch, booster.num_feature()))
    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(batch * _per_second(_answers(model, people, batch), seconds))
        theirs.append(batch * _per_second(lambda: booster.predict(matrix, num_threads=1), seconds))
    return beside_limit(ours, theirs, at_least=None) | {
        "unit": f"scores/s of one core with exact contributions, {batch} a call",
        "limit_is": "plain LightGBM predict of a ready matrix, probabilities only",
    }


def _answers(model: Model, people: list[ApplicantFacts], batch: int) -> Callable[[], object]:
    rows = [features_of_application(facts) for facts in people]
    batches = itertools.cycle(
        [[rows[(start + n) % len(rows)] for n in range(batch)] for start in range(0, len(rows), batch)]
    )
    return lambda: model.answer(next(batches))


def _alone(work: Callable[[], object], batch: int, seconds: float, rounds: int) -> Figure:
    return {
        "figure": spread([batch * _per_second(work, seconds) for _ in range(rounds)]),
        "unit": f"scores/s of one core with exact contributions, {batch} a call",
    }


def _simulation(people: list[ApplicantFacts], seconds: float, rounds: int) -> Figure:
    """The limit only draws as many normal numbers, one per mirrored pair and month, and adds them up."""
    flows = [
        flow
        for facts in people
        if (flow := cashflow.cash_flow_of(facts, Decimal(str(facts.amount / facts.term_months))))
    ]
    months = sum(flow.months for flow in flows) / len(flows)
    seeds = itertools.count(1)
    turns = itertools.cycle(flows)
    paths = cashflow.DEFAULT_PATHS
    total, shock = np.zeros(paths // 2, np.float32), np.empty(paths // 2, np.float32)

    def draw() -> None:
        dice = np.random.Generator(np.random.PCG64(next(seeds)))
        for _ in range(round(months)):
            dice.standard_normal(out=shock, dtype=np.float32)
            np.add(total, shock, out=total)

    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(_per_second(lambda: cashflow.simulate(next(turns), seed=next(seeds)), seconds))
        theirs.append(_per_second(draw, seconds))
    return beside_limit(ours, theirs, at_least=None) | {
        "unit": f"simulations/s of one core, {paths} paths over {months:.0f} months on average",
        "limit_is": "plain numpy: as many normal numbers, one per mirrored pair of paths and month, added up",
    }


def _judgement(model: Model, people: list[ApplicantFacts], seconds: float, rounds: int) -> Figure:
    turns = itertools.cycle(people)

    def judge() -> None:
        facts = next(turns)
        features = features_of_application(facts)
        (answer,) = model.answer([features])
        score = model_score(model.version, model.base_rate, answer, features, digest=model.digest)
        seed = cashflow.seed_of(new_id())
        stress = stress_of(facts, POLICY_2, seed=seed, paths=cashflow.DEFAULT_PATHS)
        inputs = Inputs(facts, features, model.version, score, stress, POLICY_2.version)
        to_json(inputs, inputs.decide())

    return {
        "figure": spread([_per_second(judge, seconds) for _ in range(rounds)], 1),
        "unit": "whole judgements/s of one core: features, scorecard, simulation, policy, evidence; no I/O",
    }


def _per_second(work: Callable[[], object], seconds: float) -> float:
    """By processor time of this process, which computes in one thread: others on the machine cost nothing."""
    work()
    started, done = time.process_time(), 0
    while time.process_time() - started < seconds:
        work()
        done += 1
    return done / (time.process_time() - started)
