"""The flags of a stack: a file in the form of flagd that people and `fundline model` change while the fleet runs."""

import json
from pathlib import Path

from fundline.stack.layout import StackHome

DEFAULT_FLAGS = Path(__file__).with_name("flags_default.json")


def flags_file(home: StackHome) -> Path:
    return home.data / "flags.json"


def ensure_flags_file(home: StackHome) -> Path:
    """Begin with the packaged flags, and add those that a newer release brings: without `payments` nothing is paid.

    What is there already is somebody's decision and stays; so does a file of another form.
    """
    file = flags_file(home)
    packaged = DEFAULT_FLAGS.read_bytes()
    content = _with_missing_flags(file.read_bytes(), packaged) if file.exists() else packaged
    if content is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        begun = file.with_suffix(".begun")
        begun.write_bytes(content)
        begun.replace(file)
    return file


def _with_missing_flags(content: bytes, packaged: bytes) -> bytes | None:
    """None: there is nothing to add, or nothing to add it to."""
    try:
        held = json.loads(content)
        missing = {
            name: flag for name, flag in json.loads(packaged)["flags"].items() if name not in held["flags"]
        }
        held["flags"] |= missing
    except (ValueError, KeyError, TypeError):
        return None
    return json.dumps(held, indent=2).encode() if missing else None


def model_roles(home: StackHome) -> dict[str, str]:
    """By model version, `champion` or `challenger`, as the flags say now; empty when they are of another form."""
    try:
        flags = json.loads(flags_file(home).read_bytes())["flags"]
        named = {role: flags[f"risk-model-{role}"]["defaultVariant"] for role in ("challenger", "champion")}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return {version: role for role, version in named.items()}
