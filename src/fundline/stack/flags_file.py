"""The flags of a stack: a file in the form of flagd that people and `fundline model` change while the fleet runs."""

import json
from pathlib import Path

from fundline.stack.layout import StackHome

DEFAULT_FLAGS = Path(__file__).with_name("flags_default.json")


def flags_file(home: StackHome) -> Path:
    return home.data / "flags.json"


def ensure_flags_file(home: StackHome) -> Path:
    """Begin with the packaged flags; a file that is there already is somebody's decision and stays."""
    file = flags_file(home)
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        begun = file.with_suffix(".begun")
        begun.write_bytes(DEFAULT_FLAGS.read_bytes())
        begun.replace(file)
    return file


def model_roles(home: StackHome) -> dict[str, str]:
    """By model version, `champion` or `challenger`, as the flags say now; empty when they are of another form."""
    try:
        flags = json.loads(flags_file(home).read_bytes())["flags"]
        named = {role: flags[f"risk-model-{role}"]["defaultVariant"] for role in ("challenger", "champion")}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return {version: role for role, version in named.items()}
