"""A write as the HTTP door hands it over: its key and its body."""

import json
import uuid
from typing import Any

from fundline.platform.database.idempotency import WriteKey, write_key


def write(subject: str, path: str, body: dict[str, Any]) -> tuple[WriteKey, bytes]:
    """Under a fresh Idempotency-Key."""
    sent = json.dumps(body).encode()
    return write_key(subject, str(uuid.uuid4()), method="POST", path=path, body=sent), sent
