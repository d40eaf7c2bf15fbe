"""One run: submit at an open rate, follow each application, kill when asked to, judge, and say what came out."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from fundline.demo import chaos
from fundline.demo.books import read_reasons
from fundline.demo.checks import Checks, checks_within, run_checks
from fundline.demo.client import FundlineClient, NotAccepted, trust
from fundline.demo.follow import follow
from fundline.demo.journey import Journey, PlannedApplication
from fundline.demo.models import read_model_decisions
from fundline.demo.outcome import Outcome
from fundline.demo.target import Target
from fundline.demo.unhappy import Episode, play_unhappy_part
from fundline.platform.database import open_database
from fundline.platform.settings import DatabaseSettings
from fundline.stack.flags_file import model_roles

STRAGGLERS_S = 60.0
"""How long after the last submission an application may still be on its way before it counts as lost."""
CHECKS_WITHIN_S = 20.0


@dataclass(frozen=True, slots=True)
class RunSettings:
    """`chaos_seed` None: nothing is killed. Rate: applications per second."""

    rate: float
    seed: int
    chaos_seed: int | None = None
    with_unhappy_part: bool = False
    stragglers_s: float = STRAGGLERS_S


@dataclass(slots=True)
class Scene:
    """What a display may look at while the run goes on."""

    journeys: list[Journey]
    started_at: float = 0.0
    kills: list[chaos.Kill] = field(default_factory=list)
    killed: Callable[[chaos.Kill], None] = lambda _kill: None
    """Called at each kill, for whoever shows it."""
    is_checking: bool = False
    is_unhappy: bool = False


async def run_demo(
    target: Target, planned: Sequence[PlannedApplication], settings: RunSettings, scene: Scene
) -> Outcome:
    """Raises CommandFailed, Unavailable or httpx.HTTPError when the checks themselves cannot be made."""
    applicants = sorted({application.applicant for application in planned})
    tokens = {subject: target.token(subject) for subject in applicants}
    client = FundlineClient(target.gateway_url, tls=trust(target.authority_certificate))
    try:
        await client.warm_up(tokens[applicants[0]])
        await _submit_and_follow(target, client, tokens, settings, scene)
    finally:
        await client.close()
    scene.is_checking = True
    checks = await checks_within(
        CHECKS_WITHIN_S, lambda: run_checks(target.database_url, target.bank_url, applicants=applicants)
    )
    scene.is_checking = False
    scene.is_unhappy = settings.with_unhappy_part
    episodes = await play_unhappy_part(target) if settings.with_unhappy_part else ()
    return await _outcome(target, applicants, settings, scene, checks, episodes)


async def _submit_and_follow(
    target: Target, client: FundlineClient, tokens: dict[str, str], settings: RunSettings, scene: Scene
) -> None:
    scene.started_at = time.perf_counter()
    kills = asyncio.create_task(_kill(target, settings, scene))
    live: list[asyncio.Task[None]] = []
    try:
        for number, journey in enumerate(scene.journeys):
            await asyncio.sleep(scene.started_at + number / settings.rate - time.perf_counter())
            live.append(asyncio.create_task(travel(journey, client, tokens[journey.planned.applicant])))
        finished, _ = await asyncio.wait(live, timeout=settings.stragglers_s)
        for task in finished:
            task.result()
        await kills
    finally:
        for task in (kills, *live):
            task.cancel()
        await asyncio.gather(kills, *live, return_exceptions=True)


async def travel(journey: Journey, client: FundlineClient, token: str) -> None:
    """The whole way of one application, seen by its applicant."""
    journey.sent_at = time.perf_counter()

    def repeated() -> None:
        journey.repeats += 1

    planned = journey.planned
    try:
        journey.application_id = await client.submit(planned.body, token, planned.idempotency_key, repeated)
    except NotAccepted as error:
        journey.trouble.append(f"it was not accepted: {error}")
        return
    journey.accepted_at = time.perf_counter()
    await follow(journey, client, token)


async def _kill(target: Target, settings: RunSettings, scene: Scene) -> None:
    if settings.chaos_seed is None:
        return

    def note(kill: chaos.Kill) -> None:
        scene.kills.append(kill)
        scene.killed(kill)

    submitting_s = len(scene.journeys) / settings.rate
    await chaos.carry_out(chaos.plan_kills(settings.chaos_seed, submitting_s), target, scene.started_at, note)


async def _outcome(
    target: Target,
    applicants: Sequence[str],
    settings: RunSettings,
    scene: Scene,
    checks: Checks,
    episodes: Sequence[Episode],
) -> Outcome:
    database = await open_database(
        DatabaseSettings(database_url=target.database_url, instance="fundline-demo", database_pool_size=1)
    )
    try:
        reasons = await read_reasons(database, applicants)
        models = await read_model_decisions(database, applicants, model_roles(target.home))
    finally:
        await database.close()
    return Outcome(
        journeys=tuple(scene.journeys),
        checks=checks,
        reasons=tuple(reasons),
        models=tuple(models),
        seed=settings.seed,
        chaos_seed=settings.chaos_seed,
        kills=tuple(scene.kills),
        unhappy=tuple(episodes),
    )
