"""The command line `fundline`: composes the commands of the stack and of the demo."""

import errno
import sys

import typer

from fundline.stack import commands
from fundline.stack.process_spec import StackError

app = typer.Typer(
    name="fundline",
    help="Runs Fundline on this machine. `fundline up` starts everything.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
commands.register(app)


@app.command(
    "model",
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []},
    help="The risk models: list, evaluate, promote, roll back, compare.",
)
def model(context: typer.Context) -> None:
    """Its imports are made only when it is asked for."""
    from fundline.commands.model import app as models

    models(args=context.args, prog_name="fundline model")


@app.command(
    "decision",
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []},
    help="The evidence of decisions: show it, or decide once more from it.",
)
def decision(context: typer.Context) -> None:
    """Its imports are made only when it is asked for."""
    from fundline.commands.decision import app as decisions

    decisions(args=context.args, prog_name="fundline decision")


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
    except StackError as error:
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
