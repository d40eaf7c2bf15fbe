"""Values that stand in a path: ids, in each way that people write them, and names."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from fundline.platform.identifiers import uuid_in
from fundline.platform.refusals import Refusal

Find = Callable[[str], Awaitable[UUID | None]]
"""From a name to the id; None when nobody has this name. May raise a Refusal for what cannot be a name."""


@dataclass(frozen=True, slots=True)
class PathValue:
    """A part of the path. `missing`: an id; what is not one cannot be anybody's, and is refused with this.

    `has_names`: what the id names has other names too, by which it is looked up (see `Find`).
    """

    name: str
    meaning: str
    missing: Callable[[], Refusal] | None = None
    schema: Mapping[str, Any] | None = None
    has_names: bool = False

    async def read(self, text: str, find: Find | None) -> UUID | str:
        if self.missing is None:
            return text
        found = uuid_in(text)
        if found is None and self.has_names and find is not None:
            found = await find(text)
        if found is None:
            raise self.missing()
        return found
