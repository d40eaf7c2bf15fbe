"""A write as a door hands it over: its key, and how its answer is kept."""

import uuid
from typing import Any

from pydantic import BaseModel

from fundline.platform.database.idempotency import Once, Rendered, write_key
from fundline.platform.http.problems import refusal_answer
from fundline.platform.parsing import SentJson


def once(subject: str, key: str | None = None, *, request: object = None, status: int = 200) -> Once[Any]:
    """For a use case that is called without a door. The same `key` and another `request`: another request's key."""
    hashed = write_key(
        subject,
        key or str(uuid.uuid4()),
        method="POST",
        path="/test",
        body=SentJson.of(repr(request).encode()),
    )
    return Once(
        hashed, lambda given: _rendered(status, given), lambda refusal: Rendered(*refusal_answer(refusal))
    )


def _rendered(status: int, given: BaseModel) -> Rendered:
    return Rendered(status, given.model_dump_json(by_alias=True).encode())
