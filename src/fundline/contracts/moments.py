"""Times in messages: what counts as one. A time outside of these bounds is nonsense, and arithmetic on it overflows."""

from datetime import UTC, datetime

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)
_LONGEST = 40


def is_plausible(moment: datetime) -> bool:
    """It has a zone and lies within the bounds."""
    return moment.tzinfo is not None and EARLIEST <= moment <= LATEST


def moment_in(text: str) -> datetime | None:
    """An ISO 8601 time with a zone, within the bounds; None when the text is something else. Never raises."""
    if len(text) > _LONGEST:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        return None
    return moment if is_plausible(moment) else None
