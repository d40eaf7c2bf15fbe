"""The command line `fundline`: composes the commands of the stack and of the demo."""

import errno
import importlib
import sys

import typer

from fundline.platform.command_errors import CommandFailed
from fundline.stack import commands

app = typer.Typer(
    name="fundline",
    help="Runs Fundline on this machine. `fundline up` starts everything.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
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
        "Payments: list, show, release; halt and resume all of them.",
    ),
    ("routes", "fundline.commands.routes.command", "Every route of the API, with the roles that may use it."),
    ("case", "fundline.commands.case.command", "What waits for a person: list, show, resolve."),
)
"""Imported only when they are asked for: `fundline --help` stays fast."""


def _register(name: str, module: str, help_text: str) -> None:
    def run(context: typer.Context) -> None:
        importlib.import_module(module).app(args=context.args, prog_name=f"fundline {name}")

    passed_on = {"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []}
    app.command(name, context_settings=passed_on, help=help_text)(run)


for _name, _module, _help in SUBCOMMANDS:
    _register(_name, _module, _help)


@app.command(
    "demo",
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []},
    help="Submit real loan applications to a private stack, follow them, and check the books.",
)
def demo(context: typer.Context) -> None:
    """The demo parses its own options; it is imported only when it is asked for."""
    from fundline.demo.command import demo as run

    single = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    single.command()(run)
    single(args=context.args, prog_name="fundline demo")


def main() -> None:
    """Entry point. What a person can mend is said in one sentence, without a traceback; exit status 1."""
    try:
        app()
    except CommandFailed as error:
        typer.echo(f"fundline: {error}", err=True)
        sys.exit(1)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        typer.echo(f"fundline: The disk is full ({error.filename}); free some space and try again.", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
