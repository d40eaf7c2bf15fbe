"""The flag that halts all payments: workers read it, the operations API and the emergency door turn it."""

from collections.abc import Mapping
from typing import Any

from fundline.platform.flag_file import FlagFileUnusable

PAYMENTS_FLAG, ON, HALTED = "payments", "on", "halted"
"""Anything but `on` halts."""


def payments_are(document: Mapping[str, Any]) -> str:
    """`on` or `halted`: whatever is not `on` halts. Raises FlagFileUnusable when there is no such flag."""
    flag = _payments_flag(document)
    value = flag.get("variants", {}).get(flag.get("defaultVariant"))
    return ON if value == ON and flag.get("state", "ENABLED") == "ENABLED" else HALTED


def with_payments(document: Mapping[str, Any], variant: str) -> dict[str, Any]:
    """A new document. Raises FlagFileUnusable when the flag cannot be that."""
    flag = _payments_flag(document)
    if variant not in flag.get("variants", {}):
        raise FlagFileUnusable(f"The file of flags has no flag {PAYMENTS_FLAG} that can be {variant}.")
    changed = {**flag, "state": "ENABLED", "defaultVariant": variant}
    return {**document, "flags": {**document["flags"], PAYMENTS_FLAG: changed}}


def _payments_flag(document: Mapping[str, Any]) -> dict[str, Any]:
    flag = document["flags"].get(PAYMENTS_FLAG)
    if not isinstance(flag, dict):
        raise FlagFileUnusable(f"The file of flags has no flag {PAYMENTS_FLAG}.")
    return flag
