"""The shapes of what comes in over HTTP and of what goes out: camelCase, and no field more than is written down."""

from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema
from pydantic.alias_generators import to_camel

from fundline.contracts.payloads import iso_utc
from fundline.platform.texts import Line

Moment = Annotated[
    AwareDatetime,
    PlainSerializer(iso_utc, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""Read in any zone, written as `iso_utc` writes it."""
Reason = Annotated[str, Line(3, 500)]
"""Why somebody does something; kept in the audit trail."""


def documented_pattern(pattern: str) -> Any:
    """The API's description says the pattern of a text whose own check has a sentence of its own."""
    return Field(json_schema_extra={"pattern": f"^{pattern}$"})


class CamelCase(BaseModel):
    """Base of every shape whose fields have camelCase names in JSON; only events have a base of their own."""

    model_config = ConfigDict(alias_generator=to_camel)


class Exact(CamelCase):
    """Base of what is read exactly as it is written: no value is converted, and unknown names are refused."""

    model_config = ConfigDict(populate_by_name=False, extra="forbid", frozen=True, strict=True)


class Answer(CamelCase):
    """Base of what is answered. It is what is serialised: by its aliases, with the fields that are null."""

    model_config = ConfigDict(populate_by_name=True, extra="forbid")


class Asked(CamelCase):
    """Base of what is asked for, the body of a write or the query of a read. Unknown names are refused.

    Over HTTP only the aliases are names; code makes one by the names that are written here.
    """

    model_config = ConfigDict(
        populate_by_name=True,
        extra="forbid",
        frozen=True,
        str_strip_whitespace=True,
    )
