"""What the notification service takes and answers. Unknown fields are refused."""

import re
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from fundline.contracts.payloads import iso_utc
from fundline.platform.http.outbound import URL_LIMIT
from fundline.services.notification_service.preference_store import Preferences

EventType = Literal["application.status_updated", "disbursement.completed"]
MailedStatus = Literal["processing", "approved", "rejected", "pending_review", "disbursed", "failed"]
_LONGEST_ADDRESS = 254
_ADDRESS = re.compile(  # the HTML standard's "valid e-mail address", with a dot in the domain
    r"[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}"
    r"@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)+"
)


class _Request(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel, extra="forbid", frozen=True, strict=True, populate_by_name=False
    )


def _one_line(value: str) -> str:
    if not value.isprintable():
        raise ValueError("Control characters are not allowed.")
    return value.strip()


def _address(value: str) -> str:
    local = value.partition("@")[0]
    if not _ADDRESS.fullmatch(value) or ".." in local or local[:1] == "." or local[-1:] == ".":
        raise ValueError("This is not an e-mail address.")
    return value


def _each_once(values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))


Description = Annotated[str, Field(max_length=200), AfterValidator(_one_line)]
Url = Annotated[str, Field(min_length=1, max_length=URL_LIMIT)]
EventTypes = Annotated[
    tuple[EventType, ...], Field(min_length=1, max_length=2, strict=False), AfterValidator(_each_once)
]


class NewEndpoint(_Request):
    """Where events of the caller's applications are posted. `url` is https, on the public internet."""

    url: Url
    description: Description = ""
    event_types: EventTypes = ("application.status_updated", "disbursement.completed")


class EndpointChange(_Request):
    """What is left out stays as it is. `state`: `disabled` cancels what waits; `active` switches it on again."""

    url: Url | None = None
    description: Description | None = None
    event_types: EventTypes | None = None
    state: Literal["active", "disabled"] | None = None


class MailPreferences(_Request):
    """No address: no mail. `statuses`: a mail is written when an application reaches one of them."""

    address: Annotated[str, Field(max_length=_LONGEST_ADDRESS), AfterValidator(_address)] | None = None
    enabled: bool = True
    statuses: Annotated[
        tuple[MailedStatus, ...], Field(max_length=6, strict=False), AfterValidator(_each_once)
    ] = Preferences.email_statuses  # type: ignore[assignment]  # a test holds the two lists together


class WebhookPreferences(_Request):
    """Of all endpoints of the subscriber at once."""

    enabled: bool = True


class PreferencesDocument(_Request):
    """The whole document; what is left out takes its default."""

    email: MailPreferences = Field(default_factory=MailPreferences)
    webhooks: WebhookPreferences = Field(default_factory=WebhookPreferences)

    def preferences(self) -> Preferences:
        return Preferences(self.email.address, self.email.enabled, self.email.statuses, self.webhooks.enabled)


class EndpointQuery(BaseModel):
    """`before`: the id of the last endpoint of the page before. `owner`: for operators."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    before: UUID | None = None
    owner: Annotated[str, Field(max_length=255)] | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 50


class DeliveryQuery(BaseModel):
    """`before`: the id of the last delivery of the page before."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    before: UUID | None = None
    state: Literal["waiting", "delivered", "failed", "cancelled"] | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 20


def endpoint_view(row: Any) -> dict[str, Any]:
    """Never with its secret."""
    return {
        "id": str(row["endpoint_id"]),
        "owner": row["owner"],
        "url": row["url"],
        "description": row["description"],
        "eventTypes": list(row["event_types"]),
        "state": row["state"],
        "disabledBecause": row["disabled_because"],
        "failingSince": _moment(row["failing_since"]),
        "retiredSecretSignsUntil": _moment(row["retired_until"]),
        "createdAt": iso_utc(row["created_at"]),
        "updatedAt": iso_utc(row["updated_at"]),
    }


def delivery_view(row: Any) -> dict[str, Any]:
    """`nextAttemptAt` is None once it is over. `payload` is what was or will be posted."""
    return {
        "id": str(row["notification_id"]),
        "webhookId": f"msg_{row['notification_id'].hex}",
        "type": row["kind"],
        "applicationId": None if row["application_id"] is None else str(row["application_id"]),
        "state": row["state"],
        "createdAt": iso_utc(row["created_at"]),
        "nextAttemptAt": iso_utc(row["due_at"]) if row["state"] == "waiting" else None,
        "payload": orjson.loads(row["body"]),
        "attempts": orjson.loads(row["attempts"]),
    }


def preferences_view(preferences: Preferences) -> dict[str, Any]:
    return {
        "email": {
            "address": preferences.email_address,
            "enabled": preferences.email_enabled,
            "statuses": list(preferences.email_statuses),
        },
        "webhooks": {"enabled": preferences.webhooks_enabled},
    }


def _moment(value: Any) -> str | None:
    return None if value is None else iso_utc(value)
