"""Answers that show a secret once: stored sealed, so that a repeat gets the same answer and a dump gets nothing."""

import base64
from dataclasses import replace
from typing import Any
from uuid import UUID

import orjson

from fundline.platform.database.idempotency import StoredAnswer
from fundline.platform.secrets import SecretBox


def seal_answer(box: SecretBox, endpoint_id: UUID, view: dict[str, Any], secret: str) -> bytes:
    """The body as it is stored under the idempotency key."""
    sealed = base64.b64encode(box.seal(secret.encode(), endpoint_id)).decode()
    return orjson.dumps({**view, "secret": sealed})


def reveal(box: SecretBox, stored: StoredAnswer) -> StoredAnswer:
    """The body as it goes to the caller. Raises SealBroken."""
    body = orjson.loads(stored.body)
    secret = box.open(base64.b64decode(body["secret"]), UUID(body["id"])).decode()
    return replace(stored, body=orjson.dumps({**body, "secret": secret}))
