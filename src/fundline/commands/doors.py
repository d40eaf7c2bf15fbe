"""What the commands of every noun share: options, the shape of a group, asking before a deed, giving an answer.

Invariant: `--json` gives one JSON value on standard output, whatever happens; without it people read sentences.
"""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

import typer

from fundline.commands.groups import NounGroup
from fundline.platform.command_errors import CommandFailed
from fundline.platform.terminal import say

HELP_OPTIONS = {"help_option_names": ["-h", "--help"]}
SHORTEST_REASON = 10

JsonOption = Annotated[bool, typer.Option("--json", help="JSON on standard output, errors too.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def noun(help_text: str, *, shows_help: bool = True) -> typer.Typer:
    """The group of a noun's commands. `shows_help`: without a command."""
    return typer.Typer(
        cls=NounGroup,
        add_completion=False,
        no_args_is_help=shows_help,
        pretty_exceptions_enable=False,
        context_settings=HELP_OPTIONS,
        help=help_text,
    )


def give(answer: Any, show: Callable[[Any], str], *, as_json: bool) -> None:
    """As JSON, or as `show` tells it to people."""
    say(json.dumps(answer) if as_json else show(answer))


def give_error(sentence: str, *, as_json: bool, status: int) -> None:
    """One JSON object on standard output, or a sentence on standard error."""
    if as_json:
        say(json.dumps({"error": {"message": sentence, "exitStatus": status}}))
    else:
        say(f"fundline: {sentence}", err=True)


def long_enough(reason: str) -> str:
    """As the operations API wants it. Raises BadParameter."""
    if len(reason.strip()) < SHORTEST_REASON:
        raise typer.BadParameter(f"Say why in at least {SHORTEST_REASON} characters; it is kept for ever.")
    return reason


GoodReasonOption = Annotated[
    str,
    typer.Option(
        "--reason", help="Why, in ten characters or more; kept in the audit trail.", callback=long_enough
    ),
]


def one_of(what: str, known: Sequence[str], help_text: str, *names: str) -> Any:
    """An option that refuses an unknown name with the list of what there is; a shell completes it."""

    def checked(value: str | None) -> str | None:
        if value is not None and value not in known:
            raise typer.BadParameter(f"There is no {what} “{value}”; there are {', '.join(known)}.")
        return value

    def completed(incomplete: str) -> list[str]:
        return [name for name in known if name.startswith(incomplete)]

    return typer.Option(*names, help=help_text, callback=checked, autocompletion=completed)


def confirm(question: str, *, yes: bool) -> None:
    """Raises CommandFailed when nobody can be asked, or the answer is no."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise CommandFailed(f"{question} Nobody can be asked here: say --yes. Nothing was done.")
    if not typer.confirm(question, err=True):
        raise CommandFailed("Nothing was done.")


def text_of(value: Any) -> str:
    """A value for people: no word of Python."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {text_of(part)}" for name, part in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(text_of(part) for part in value)
    return str(value)
