"""Bodies of webhooks, as they are signed and sent."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from fundline.contracts.payloads import iso_utc

LARGEST_BODY_BYTES = 20_000
"""Standard Webhooks: payloads are to be smaller than 20 kB."""
TEST = "webhook.test"
"""What an owner asks for, whatever types of events the endpoint wants. The other types are those of ToldKind."""


def webhook_body(kind: str, at: datetime, data: Mapping[str, Any]) -> str:
    """JSON as it is signed and sent, to the byte. Metadata that makes it too large is left out."""
    body = orjson.dumps({"type": kind, "timestamp": iso_utc(at), "data": data})
    if len(body) > LARGEST_BODY_BYTES and data.get("metadata"):
        return webhook_body(kind, at, {**data, "metadata": {}})
    return body.decode()
