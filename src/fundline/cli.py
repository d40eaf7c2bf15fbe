"""The command line `fundline`: composes the commands of the stack, of the lending and of the demo."""

import errno
import sys
from importlib.metadata import version as version_of
from typing import Annotated

import typer

from fundline.commands.doors import HELP_OPTIONS, give_error
from fundline.commands.groups import LazyNoun, NounGroup
from fundline.platform.command_errors import CommandFailed
from fundline.platform.refusals import Refusal
from fundline.platform.terminal import say
from fundline.stack import commands

USAGE_ERROR, INTERRUPTED = 2, 130

app = typer.Typer(
    name="fundline",
    cls=NounGroup,
    help="Runs Fundline on this machine. `fundline up` starts everything.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings=HELP_OPTIONS,
)
commands.register(app)


SUBCOMMANDS: tuple[tuple[str, str, str], ...] = (
    # name, module with a typer application called `app`, what it is for
    (
        "model",
        "fundline.commands.model.command",
        "The risk models: list, evaluate, promote, roll back, compare.",
    ),
    (
        "decision",
        "fundline.commands.decision.command",
        "The evidence of decisions: show it, or decide once more from it.",
    ),
    ("account", "fundline.commands.account.command", "Payout accounts: which applications name one."),
    (
        "account-key",
        "fundline.commands.account_key.command",
        "The keys that seal payout accounts: add, rotate, retire.",
    ),
    (
        "reconcile",
        "fundline.commands.reconcile.command",
        "Find what is stuck or differs, and repair what may be.",
    ),
    (
        "audit",
        "fundline.commands.audit.command",
        "The audit trail: verify it, or tell the story of an application.",
    ),
    (
        "webhook",
        "fundline.commands.webhook.command",
        "Webhooks: a receiver on this machine that checks and shows them.",
    ),
    ("mail", "fundline.commands.mail.command", "Mails of the running stack, as the mail sink keeps them."),
    ("bank", "fundline.commands.bank.command", "The sandbox bank: its faults, its statement, its payments."),
    (
        "ledger",
        "fundline.commands.ledger.command",
        "The books: what is in them, whether they hold, corrections.",
    ),
    (
        "dead-letter",
        "fundline.commands.dead_letter.command",
        "Dead letters: list, show, replay, correct, approve, discard.",
    ),
    (
        "payment",
        "fundline.commands.payment.command",
        "Payments: list, show, release, refuse, end; halt and resume all of them.",
    ),
    (
        "funding",
        "fundline.commands.funding.command",
        "What lenders have committed: show, change, agree.",
    ),
    ("routes", "fundline.commands.routes.command", "Every route of the API, with the roles that may use it."),
    ("case", "fundline.commands.case.command", "What waits for a person: list, show, resolve."),
    (
        "demo",
        "fundline.demo.command",
        "Submit real loan applications, follow them, and check the books.",
    ),
)
"""Imported only when they are asked for: `fundline --help` stays fast."""


def command_line() -> NounGroup:
    """Everything that `fundline` can do, as one tree."""
    root = typer.main.get_command(app)
    if not isinstance(root, NounGroup):
        raise TypeError("the command line is a group")
    for name, module, help_text in SUBCOMMANDS:
        root.add_command(LazyNoun(name, module, help_text), name)
    return root


def _show_version(wanted: bool) -> None:
    if wanted:
        say(f"fundline {version_of('fundline')}")
        raise typer.Exit


@app.callback()
def _options(
    _: Annotated[
        bool,
        typer.Option("--version", help="Show the version and exit.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    """Runs Fundline on this machine. `fundline up` starts everything."""


def main() -> None:
    """Entry point. What a person can mend is said in one sentence, without a traceback; exit status 1."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """The exit status: 0, 1 for what failed or does not hold, 2 for a command that was not written rightly."""
    as_json = "--json" in arguments
    try:
        return _status(command_line().main(arguments, prog_name="fundline", standalone_mode=not as_json))
    except SystemExit as end:  # click's own end, when errors are sentences
        return _status(end.code)
    except typer.TyperException as error:
        sentence, status = getattr(error, "message", str(error)), USAGE_ERROR
    except (CommandFailed, Refusal) as error:
        sentence, status = str(error), 1
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        sentence, status = f"The disk is full ({error.filename}); free some space and try again.", 1
    except typer.Abort:
        sentence, status = "Nothing was done.", 1
    except KeyboardInterrupt:
        return INTERRUPTED
    give_error(sentence, as_json=as_json, status=status)
    return status


def _status(code: object) -> int:
    return code if isinstance(code, int) else 0 if code is None else 1


if __name__ == "__main__":
    main()
