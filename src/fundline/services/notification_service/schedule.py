"""When a failed delivery is tried again. Source: Standard Webhooks 1.0.0, "Deliverability and reliability"."""

from collections.abc import Sequence

LONGEST_WAIT_S = 24 * 3600.0
_JITTER = 0.1


def pause_s(
    pauses_s: Sequence[int], failures: int, dice: float, retry_after_s: float | None = None
) -> float | None:
    """Seconds until the next attempt after `failures` of them, at least 1; None: given up.

    `dice` is 0 to 1. What the receiver asks for in Retry-After lengthens a pause, to a day at most, never shortens it.
    """
    if failures > len(pauses_s):
        return None
    planned_s = pauses_s[failures - 1] * (1 + _JITTER * dice)
    return max(planned_s, min(retry_after_s or 0.0, LONGEST_WAIT_S))


def asked_pause_s(retry_after: str | None) -> float | None:
    """Seconds of a Retry-After header; None when it is absent or a date, which few send and clocks spoil."""
    text = (retry_after or "").strip()
    return float(text) if text.isascii() and text.isdecimal() and len(text) < 9 else None  # noqa: PLR2004 - sane
