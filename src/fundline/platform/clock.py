"""Time and new ids come in from here, so that a test can pass its own."""

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

import uuid_utils.compat

Clock = Callable[[], datetime]
"""Gives the present moment, in UTC."""

NewId = Callable[[], UUID]
"""Gives a fresh id; version 7 in production, so ids sort by time."""


def utc_now() -> datetime:
    return datetime.now(UTC)


def new_id() -> UUID:
    return uuid_utils.compat.uuid7()
