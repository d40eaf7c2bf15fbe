"""`fundline reconcile`: the reconciler's checks by hand, once or for as long as somebody watches."""

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer
from prometheus_client import CollectorRegistry

from fundline.commands.doors import JsonOption, noun
from fundline.commands.place import HomeOption, bank_url, cache_url, database_url, kafka_bootstrap
from fundline.commands.reconcile.view import run_json, show_run
from fundline.platform.command_errors import CommandFailed
from fundline.platform.refusals import Unavailable
from fundline.platform.telemetry.logs import configure_logs
from fundline.platform.telemetry.metrics import Metrics
from fundline.platform.terminal import say
from fundline.services.reconciler.findings import Run
from fundline.services.reconciler.reconciler import Reconciler
from fundline.services.reconciler.settings import Settings
from fundline.services.reconciler.wiring import open_reconciler

app = noun("Find what is stuck or differs, and repair what may be.", shows_help=False)
TURNS_ASKED_FOR, _ASK_AGAIN_S = 120, 0.5


@app.command()
def reconcile(
    once: Annotated[bool, typer.Option("--once", help="One run.")] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="A run every --every seconds, until Ctrl-C.")
    ] = False,
    full: Annotated[bool, typer.Option("--full", help="Read the bank's whole statement again.")] = False,
    every_s: Annotated[float, typer.Option("--every", min=1, help="Seconds between two runs.")] = 30.0,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Exit status 1 when something was found that a person must look at, or could not be looked at."""
    if once == watch:
        raise CommandFailed("Say either --once or --watch.")
    configure_logs(process="reconciler", instance="fundline-command", level="CRITICAL")
    try:
        is_clean = asyncio.run(
            _reconcile(home, full=full, every_s=every_s if watch else None, as_json=as_json)
        )
    except Unavailable as away:
        raise CommandFailed(away.sentence) from away
    raise typer.Exit(0 if is_clean else 1)


async def _reconcile(home: Path | None, *, full: bool, every_s: float | None, as_json: bool) -> bool:
    settings = Settings(
        database_url=database_url(home),
        bank_url=bank_url(home),
        cache_url=cache_url(home),
        kafka_bootstrap=kafka_bootstrap(home),
        instance="fundline-command",
    )
    async with open_reconciler(settings, Metrics(CollectorRegistry())) as opened:
        while True:
            run = await _take_turn(opened.reconciler, full=full)
            say(json.dumps(run_json(run)) if as_json else show_run(run))
            if every_s is None:
                return run.is_clean
            await asyncio.sleep(every_s)


async def _take_turn(reconciler: Reconciler, *, full: bool) -> Run:
    """Raises CommandFailed when another one works all the time."""
    for _ in range(TURNS_ASKED_FOR):
        run = await reconciler.take_turn(full=full)
        if run is not None:
            return run
        await asyncio.sleep(_ASK_AGAIN_S)
    raise CommandFailed("Another reconciler has been at work for a minute; try again later.")
