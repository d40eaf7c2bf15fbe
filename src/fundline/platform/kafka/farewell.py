"""Closing what may never answer: in a thread of its own, waited for with a limit, then left behind."""

import threading
from collections.abc import Callable


def let_go(close: Callable[[], object], *, name: str, limit_s: float) -> bool:
    """False when it had not closed within the limit. librdkafka's close waits for callbacks and for the broker."""
    thread = threading.Thread(target=close, name=f"close-{name}", daemon=True)
    thread.start()
    thread.join(limit_s)
    return not thread.is_alive()
