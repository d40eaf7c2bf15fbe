"""`fundline demo`: real applications through a stack, then the three checks."""

import gc
import json
import secrets
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from types import FrameType
from typing import Annotated

import httpx
import typer
import uvloop
from rich.console import Console
from rich.text import Text

from fundline.demo.display import Display
from fundline.demo.journey import Journey, PlannedApplication
from fundline.demo.outcome import Outcome
from fundline.demo.plan import plan_applications
from fundline.demo.report import print_report, report_object
from fundline.demo.run import RunSettings, Scene, run_demo
from fundline.demo.target import Target, keep_logs, private_target, running_target
from fundline.platform.command_errors import CommandFailed
from fundline.platform.refusals import Unavailable
from fundline.stack.layout import StackHome
from fundline.stack.private import private_home
from fundline.stack.progress import open_console

INTERRUPTED_EXIT = 130


class Format(StrEnum):
    TEXT = "text"
    JSON = "json"


class Chaos(StrEnum):
    NONE = "none"
    KILL = "kill"


_FORMAT = typer.Option(
    "--format", envvar="FORMAT", case_sensitive=False, help="json: exactly one object on standard output."
)
_CHAOS = typer.Option(
    envvar="CHAOS", case_sensitive=False, help="kill: kill -9 a worker, a router and an API instance."
)


def demo(
    applications: Annotated[int, typer.Option("--applications", "-n", envvar="N", min=1, max=20_000)] = 200,
    form: Annotated[Format, _FORMAT] = Format.TEXT,
    chaos: Annotated[Chaos, _CHAOS] = Chaos.NONE,
    url: Annotated[
        str, typer.Option("--url", envvar="DEMO_URL", help="Use the running stack at this address.")
    ] = "",
    home: Annotated[
        Path | None, typer.Option(help="Folder of the running stack (default: FUNDLINE_HOME, or var).")
    ] = None,
    rate: Annotated[
        float, typer.Option(envvar="RATE", min=0.1, max=1000, help="Applications a second.")
    ] = 20.0,
    seed: Annotated[int, typer.Option(envvar="SEED", min=0, help="The same seed submits the same.")] = 1,
    chaos_seed: Annotated[
        int | None, typer.Option(envvar="CHAOS_SEED", min=0, help="Repeats the kills of an earlier run.")
    ] = None,
    keep: Annotated[bool, typer.Option(help="Keep the folder of the private stack.")] = False,
) -> None:
    """Submit real loan applications, follow each over server-sent events, and check the books.

    Runs a private stack on free ports, or uses the running one with --url. Exit status 1 when a check fails.
    """
    if url and keep:
        raise CommandFailed("--keep is for the private stack; leave it out with a running one.")
    console = open_console(stderr=form is Format.JSON)
    planned = plan_applications(applications, seed, run=secrets.token_hex(4))
    settings = RunSettings(
        rate=rate, seed=seed, chaos_seed=_kill_seed(chaos, chaos_seed), with_unhappy_part=True
    )
    try:
        with _terminated_like_interrupted():
            if url:
                place = StackHome(home.absolute()) if home else StackHome.from_environment()
                has_passed = _run(running_target(url, place), planned, settings, console, form)
            else:
                has_passed = _run_privately(planned, settings, console, form, keep=keep)
    except KeyboardInterrupt:
        console.print("Interrupted; nothing was judged.")
        raise typer.Exit(INTERRUPTED_EXIT) from None
    raise typer.Exit(0 if has_passed else 1)


def _kill_seed(chaos: Chaos, asked: int | None) -> int | None:
    """None: nothing is killed."""
    if chaos is Chaos.NONE:
        return None
    return secrets.randbelow(10**6) if asked is None else asked


def _run_privately(
    planned: list[PlannedApplication], settings: RunSettings, console: Console, form: Format, *, keep: bool
) -> bool:
    with private_home(keep=keep) as home:
        try:
            with private_target(home, console) as target:
                has_passed = _run(target, planned, settings, console, form)
        except Exception:
            _show_logs(home, console, keep=keep)
            raise
        if keep or not has_passed:
            _show_logs(home, console, keep=keep)
    return has_passed


def _show_logs(home: StackHome, console: Console, *, keep: bool) -> None:
    if keep:
        console.print(f"The stack's folder is kept: {home.root}", soft_wrap=True)
    elif home.logs.exists():
        console.print(f"The logs are kept for you to look at: {keep_logs(home)}", soft_wrap=True)


def _run(
    target: Target, planned: list[PlannedApplication], settings: RunSettings, console: Console, form: Format
) -> bool:
    """Run, show and judge. Returns whether every check holds."""
    scene = Scene([Journey(application) for application in planned])
    applicants = len({application.applicant for application in planned})
    console.print(
        f"Submitting {len(planned)} applications of {applicants} applicants to {target.gateway_url}, "
        f"{settings.rate:g} a second.",
        soft_wrap=True,
    )
    gc.collect()
    gc.freeze()  # what exists by now stays: collecting it again would only delay what is being measured
    try:
        with Display(scene, console):
            outcome = uvloop.run(run_demo(target, planned, settings, scene))
    except (Unavailable, httpx.HTTPError) as error:
        raise CommandFailed(f"The books could not be read, so nothing was judged: {error}") from error
    return _print_and_judge(outcome, console, form)


def _print_and_judge(outcome: Outcome, console: Console, form: Format) -> bool:
    problems = outcome.problems()
    print_report(outcome, console)
    if form is Format.JSON:
        sys.stdout.write(json.dumps(report_object(outcome)) + "\n")
        sys.stdout.flush()
    if problems:
        console.print()
        for problem in problems:
            console.print(Text(problem, style="red"), soft_wrap=True)
        console.print(Text("The demo FAILED.", style="bold red"))
    return not problems


@contextmanager
def _terminated_like_interrupted() -> Iterator[None]:
    """SIGTERM and a closed terminal stop the private stack as Ctrl-C does, instead of leaving it behind."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        signal.raise_signal(signal.SIGINT)

    # A shell starts background jobs with SIGINT ignored; then nothing could interrupt the run.
    handlers = {
        signal.SIGINT: signal.default_int_handler,
        signal.SIGTERM: interrupt,
        signal.SIGHUP: interrupt,
    }
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(demo)
