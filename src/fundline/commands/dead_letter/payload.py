"""The corrected payload of a dead letter: from options, a file, or an editor."""

import json
from pathlib import Path
from typing import Any

import click
import typer

from fundline.commands.text import WIDTH
from fundline.platform.command_errors import CommandFailed


def payload_of(found: dict[str, Any], changes: list[str], file: Path | None) -> dict[str, Any]:
    """Raises CommandFailed when it is not a JSON object, or nothing was changed."""
    before = found["editedPayload"] or found["payload"]["json"]
    if file is not None:
        return _object(typer.get_text_stream("stdin").read() if str(file) == "-" else _content(file))
    if changes:
        if not isinstance(before, dict):
            raise CommandFailed("Its payload is not a JSON object; give the whole payload with --file.")
        return before | dict(_change(before, text) for text in changes)
    shown = found["payload"]["text"] or "" if before is None else json.dumps(before, indent=2) + "\n"
    edited = click.edit(shown, extension=".json")
    if edited is None:
        raise CommandFailed("Nothing was changed, and nothing was sent.")
    return _object(edited)


def _content(file: Path) -> str:
    try:
        return file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandFailed(f"{file} cannot be read ({error}).") from error


def _change(before: dict[str, Any], text: str) -> tuple[str, Any]:
    """A field that is text stays text, so that amounts keep their form."""
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise CommandFailed(f"“{text}” is not written as field=value.")
    try:
        return name, value if isinstance(before.get(name), str) else json.loads(value)
    except ValueError:
        return name, value


def _object(text: str) -> dict[str, Any]:
    try:
        read = json.loads(text)
    except ValueError as error:
        raise CommandFailed(f"The payload is not JSON: {error}."[:WIDTH]) from error
    if not isinstance(read, dict):
        raise CommandFailed("The payload is not a JSON object.")
    return read
