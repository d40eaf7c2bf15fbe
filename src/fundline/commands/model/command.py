"""`fundline model`: which risk model decides, for how many applicants, and how the models fare."""

import json
import os
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from fundline.commands.flag_edit import flags_path, read_flags
from fundline.commands.model.artefacts import PackagedModels
from fundline.commands.model.comparison import compare as compare_models
from fundline.commands.model.deeds import Author, Changed, Promotion, drop_scores
from fundline.commands.model.evaluation import HELP, evaluate
from fundline.commands.model.split import Split, read_split, shadow_of
from fundline.commands.model.view import show_change, show_comparison, show_models
from fundline.commands.place import HomeOption, cache_url, home_of, person, read_place
from fundline.platform.clock import utc_now
from fundline.platform.command_errors import CommandFailed
from fundline.platform.database import Database
from fundline.services.risk_worker import experiment_store as store

app = typer.Typer(
    no_args_is_help=True,
    help="The risk models: list, evaluate, promote, roll back, compare.",
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command(help=HELP)(evaluate)

VersionArgument = Annotated[str, typer.Argument(help="Version of a model, such as lightgbm-1.")]
ReasonOption = Annotated[str, typer.Option(help="Why; kept in the record of changes.")]
ActorOption = Annotated[str | None, typer.Option(help="Who; else the account of this machine.")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]


@app.command("list")
def list_models(as_json: JsonOption = False, home: HomeOption = None) -> None:
    """Show the models that are there, who decides for how many applicants, and which are switched off."""
    models = PackagedModels()
    split, shadow = _split_now(home)

    async def read(database: Database) -> tuple[frozenset[str], dict[str, str]]:
        return await store.tripped_versions(database), await store.last_trips(database)

    tripped, trips = read_place(home, read)
    rows = [
        {
            "modelVersion": version,
            **models.describe(version),
            "role": split.role_of(version) if split else None,
            "sharePercent": split.share_of(version) if split else None,
            "tripped": version in tripped,
            "trippedBecause": trips.get(version) if version in tripped else None,
        }
        for version in models.versions()
    ]
    answer = {"flagsProvider": _provider(), "shadow": shadow, "models": rows}
    typer.echo(json.dumps(answer) if as_json else show_models(answer))


@app.command()
def promote(
    version: VersionArgument,
    share: Annotated[int, typer.Option(help="Per cent of the applicants: 10, 50 or 100.")],
    reason: ReasonOption = "promoted by hand",
    actor: ActorOption = None,
    reset_trip: Annotated[bool, typer.Option("--reset", help="Also when the guardrail tripped it.")] = False,
    force: Annotated[bool, typer.Option("--force", help="100 % without 50 % before.")] = False,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Let a model decide for 10, 50 or 100 % of the applicants; at 100 % it is the champion."""
    author = _author(actor, reason)

    def change(promotion: Promotion) -> Awaitable[Changed]:
        return promotion.promote(version, share, author, reset=reset_trip, force=force)

    _change_split(home, change, as_json=as_json)


@app.command()
def rollback(
    reason: ReasonOption = "rolled back by hand",
    actor: ActorOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Take the challenger's applicants away, or bring the champion before back; in force within a second."""
    author = _author(actor, reason)
    _change_split(home, lambda promotion: promotion.rollback(author), as_json=as_json)


@app.command()
def reset(
    version: VersionArgument,
    reason: ReasonOption = "reset by hand",
    actor: ActorOption = None,
    home: HomeOption = None,
) -> None:
    """Lift a trip of the guardrail; the model gets its share again."""
    author = _author(actor, reason)

    async def lift(database: Database) -> None:
        await Promotion(database, flags_path(home_of(home)), PackagedModels()).reset(version, author)

    read_place(home, lift)
    typer.echo(f"{version} is not tripped any more.")


@app.command()
def compare(
    days: Annotated[int, typer.Option(min=1, max=3650, help="How far back.")] = 7,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Show how champion and challenger decided, and how they score the same applications."""
    split, _ = _split_now(home)
    pair = (split.champion, split.challenger) if split and split.challenger else None
    since = utc_now() - timedelta(days=days)
    answer = read_place(home, lambda database: compare_models(database, since, pair))
    typer.echo(json.dumps(answer) if as_json else show_comparison(answer))


def _change_split(
    home: Path | None, change: Callable[[Promotion], Awaitable[Changed]], *, as_json: bool
) -> None:
    if _provider() == "launchdarkly":
        raise CommandFailed(
            "The split is changed in LaunchDarkly, as FUNDLINE_FLAGS_PROVIDER is launchdarkly."
        )
    file, url = flags_path(home_of(home)), _cache(home)

    async def run(database: Database) -> tuple[Changed, int | None]:
        changed = await change(Promotion(database, file, PackagedModels()))
        return changed, await drop_scores(url) if url else None

    changed, dropped = read_place(home, run)
    answer: dict[str, Any] = {
        "action": changed.action,
        "modelVersion": changed.version,
        "champion": changed.after.champion,
        "challenger": changed.after.challenger,
        "sharePercent": changed.after.share_of(changed.version),
        "before": changed.before.figures(),
        "scoresDropped": dropped,
    }
    typer.echo(json.dumps(answer) if as_json else show_change(answer))


def _cache(home: Path | None) -> str | None:
    try:
        return cache_url(home)
    except CommandFailed:  # a database alone is enough to change who decides
        return None


def _split_now(home: Path | None) -> tuple[Split | None, str | None]:
    """The split and the shadow by the flags file; LaunchDarkly keeps its own to itself."""
    if _provider() == "launchdarkly":
        return None, None
    document = read_flags(flags_path(home_of(home)))
    return read_split(document), shadow_of(document)


def _provider() -> str:
    return os.environ.get("FUNDLINE_FLAGS_PROVIDER", "file")


def _author(actor: str | None, reason: str) -> Author:
    return Author(person(actor), reason)
