"""Replaying many dead letters at a rate."""

import time
from collections.abc import Iterator
from typing import Any

from fundline.commands.operations_client import OperationsClient

LONGEST_BATCH_S = 10


LARGEST_BATCH = 100


def batches(client: OperationsClient, wanted: dict[str, Any], most: int) -> Iterator[dict[str, Any]]:
    """One answer per batch; the next one is asked for when this one's events have had their time."""
    rate, left, after = wanted["perSecond"], most, None
    while True:
        size = min(LARGEST_BATCH, max(int(rate * LONGEST_BATCH_S), 1), left)
        body = {**wanted, "limit": size} | ({} if after is None else {"after": after})
        told = client.post("/v1/dead-letters/bulk-replay", body)
        yield told
        left -= sum(len(told[outcome]) for outcome in ("replayed", "requested", "skipped"))
        after = told["nextAfter"]
        if after is None or left <= 0:
            return
        time.sleep(len(told["replayed"]) / rate)


def paced(letters: list[str], rate: float) -> Iterator[str]:
    for place, letter in enumerate(letters):
        if place:
            time.sleep(1 / rate)
        yield letter
