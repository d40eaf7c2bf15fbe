"""Pages of a list, newest first: `limit` and an opaque `cursor` come in, `items` and `nextCursor` go out."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Generic, Self, TypeVar
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from fundline.platform.shapes import Answer

Item = TypeVar("Item", bound=BaseModel)


def cursor_of(last: UUID) -> str:
    """After which item the next page begins; clients give it back as it is."""
    return base64.urlsafe_b64encode(last.bytes).rstrip(b"=").decode()


def _id_in(cursor: Any) -> Any:
    if not isinstance(cursor, str):
        return cursor
    try:
        return UUID(bytes=base64.b64decode(cursor + "==", altchars=b"-_", validate=True))
    except (ValueError, binascii.Error):
        raise ValueError("This cursor does not come from an answer of this API.") from None


Cursor = Annotated[
    UUID,
    BeforeValidator(_id_in, json_schema_input_type=Annotated[str, Field(max_length=64)]),
]


def _described(schema: dict[str, Any]) -> None:
    """A page of something does not inherit the sentence of `Page`."""
    schema.setdefault("description", "Newest first. `nextCursor` is opaque; null on the last page.")


class Page(Answer, Generic[Item]):
    """Newest first. `next_cursor` is opaque; null on the last page."""

    model_config = ConfigDict(json_schema_extra=_described)

    items: list[Item]
    next_cursor: str | None

    @classmethod
    def model_parametrized_name(cls, params: tuple[Any, ...]) -> str:
        """A page of cases is a `CasePage`, also in the API's description."""
        return f"{params[0].__name__}Page"

    @classmethod
    def of(
        cls,
        rows: Sequence[Any],
        limit: int,
        *,
        show: Callable[[Any], Item],
        id_of: Callable[[Any], UUID],
    ) -> Self:
        """Of `limit` + 1 rows that were asked for: what is shown of them, and a cursor when there are more."""
        kept = rows[:limit]
        following = cursor_of(id_of(kept[-1])) if len(rows) > limit else None
        return cls(items=[show(row) for row in kept], next_cursor=following)
