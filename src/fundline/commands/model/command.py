"""`fundline model`: which risk model decides, for how many applicants, and how the models fare."""

import asyncio
import os
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from fundline.commands.doors import GoodReasonOption, JsonOption, YesOption, confirm, give, noun
from fundline.commands.model.comparison import compare as compare_models
from fundline.commands.model.evaluation import HELP, evaluate
from fundline.commands.model.scores import drop_scores
from fundline.commands.model.view import show_change, show_comparison, show_models
from fundline.commands.operations_client import PersonOption, operations_client, under
from fundline.commands.place import HomeOption, cache_url, flags_path, read_place
from fundline.platform.clock import utc_now
from fundline.platform.command_errors import CommandFailed
from fundline.platform.database import Database
from fundline.platform.flag_file import read_flags
from fundline.records.model_changes import last_trips, tripped_versions
from fundline.risk.packaged import PackagedModels
from fundline.services.operations_api.models.split import SHARES, Split, read_split, shadow_of

app = noun("The risk models: list, evaluate, promote, roll back, compare.")
PATH = "/v1/risk-models"
app.command(help=HELP)(evaluate)

VersionArgument = Annotated[str, typer.Argument(help="Version of a model, such as lightgbm-1.")]


@app.command("list")
def list_models(as_json: JsonOption = False, home: HomeOption = None) -> None:
    """Show the models that are there, who decides for how many applicants, and which are switched off."""
    models = PackagedModels()
    split, shadow = _split_now(home)

    async def read(database: Database) -> tuple[frozenset[str], dict[str, str]]:
        return await tripped_versions(database), await last_trips(database)

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
    give(answer, show_models, as_json=as_json)


@app.command()
def promote(
    version: VersionArgument,
    share: Annotated[int, typer.Option(help="Per cent of the applicants: 10, 50 or 100.")],
    reason: GoodReasonOption,
    subject: PersonOption = None,
    reset_trip: Annotated[bool, typer.Option("--reset", help="Also when the guardrail tripped it.")] = False,
    force: Annotated[bool, typer.Option("--force", help="100 % without 50 % before.")] = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Let a model decide for 10, 50 or 100 % of the applicants; at 100 % it is the champion.

    Two people say so, each with this command. Undo: `fundline model rollback`.
    """
    _require_packaged(version)
    if share not in SHARES:
        raise CommandFailed(f"A share is 10, 50 or 100 per cent, not {share}.")
    confirm(f"Let {version} decide for {share} % of the applicants?", yes=yes)
    asked = {"sharePercent": share, "reason": reason, "reset": reset_trip, "force": force}
    _change(home, subject, under(PATH, version, "promote"), asked, as_json=as_json)


@app.command()
def rollback(
    reason: GoodReasonOption,
    subject: PersonOption = None,
    yes: YesOption = False,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Take the challenger's applicants away, or bring the champion before back; in force within a second.

    Undo: `fundline model promote`.
    """
    confirm("Take the applicants away from the newer model?", yes=yes)
    _change(home, subject, under(PATH, "rollback"), {"reason": reason}, as_json=as_json)


@app.command()
def reset(
    version: VersionArgument,
    reason: GoodReasonOption,
    subject: PersonOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Lift a trip of the guardrail; the model gets its share again. Two people say so, each with this command."""
    _require_packaged(version)
    _change(home, subject, under(PATH, version, "reset"), {"reason": reason}, as_json=as_json)


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
    give(answer, show_comparison, as_json=as_json)


def _change(
    home: Path | None, subject: str | None, path: str, asked: dict[str, Any], *, as_json: bool
) -> None:
    told = operations_client(home, subject).post(path, asked)
    is_split = told["state"] == "done" and told["action"] != "reset"
    url = _cache(home) if is_split else None
    dropped = asyncio.run(drop_scores(url)) if url else None
    give({**told, "scoresDropped": dropped}, show_change, as_json=as_json)


def _require_packaged(version: str) -> None:
    """Raises CommandFailed: said before anybody is asked."""
    known = PackagedModels().versions()
    if version not in known:
        raise CommandFailed(f"There is no model “{version}”; there are {', '.join(known)}.")


def _cache(home: Path | None) -> str | None:
    try:
        return cache_url(home)
    except CommandFailed:  # a database alone is enough to change who decides
        return None


def _split_now(home: Path | None) -> tuple[Split | None, str | None]:
    """The split and the shadow by the flags file; LaunchDarkly keeps its own to itself."""
    if _provider() == "launchdarkly":
        return None, None
    document = read_flags(flags_path(home))
    return read_split(document), shadow_of(document)


def _provider() -> str:
    return os.environ.get("FUNDLINE_FLAGS_PROVIDER", "file")
