"""The tests on the fleet share it: each leaves it with every process there and ready."""

import time

from fundline.stack.ready import is_well
from fundline.stack.running import Stack

WHOLE_WITHIN_S = 90.0


def missing_parts(stack: Stack) -> list[str]:
    """Waits until nothing is missing: a test may end before the process that it killed is back, and the next one
    would take the start of its successor for a restart."""
    deadline = time.monotonic() + WHOLE_WITHIN_S
    while True:
        missing = [
            record.instance
            for record in stack.processes()
            if record.identity is None or not record.identity.is_alive() or not is_well(record.health)
        ]
        if not missing or time.monotonic() > deadline:
            return missing
        time.sleep(0.1)
