"""What the notification service takes. Unknown fields are refused."""

import re
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, Field

from fundline.platform.http.outbound import URL_LIMIT
from fundline.platform.paging import Cursor
from fundline.platform.shapes import Asked
from fundline.platform.texts import Line
from fundline.services.notification_service.preference_store import Preferences

EventType = Literal["application.status_updated", "disbursement.completed"]
MailedStatus = Literal[
    "processing",
    "approved",
    "rejected",
    "pending_review",
    "disbursed",
    "failed",
    "returned",
    "account_needed",
]
_LONGEST_ADDRESS = 254
_ADDRESS = re.compile(  # the HTML standard's "valid e-mail address", with a dot in the domain
    r"[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}"
    r"@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)+"
)


class _Request(Asked, strict=True, str_strip_whitespace=False):
    """Blanks around a URL or an address are not removed: a value with blanks is not valid and is refused."""


def _address(value: str) -> str:
    local = value.partition("@")[0]
    if not _ADDRESS.fullmatch(value) or ".." in local or local[:1] == "." or local[-1:] == ".":
        raise ValueError("This is not an e-mail address.")
    return value


def _each_once(values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))


Description = Annotated[str, Line(0, 200)]
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
        tuple[MailedStatus, ...],
        Field(max_length=len(get_args(MailedStatus)), strict=False),
        AfterValidator(_each_once),
    ] = Preferences.email_statuses  # type: ignore[assignment]  # a test holds the two lists together


class WebhookPreferences(_Request):
    """Of all endpoints of the subscriber at once."""

    enabled: bool = True


class PreferencesDocument(_Request):
    """The whole document; what is left out, or null, takes its default."""

    email: MailPreferences | None = None
    webhooks: WebhookPreferences | None = None

    def preferences(self) -> Preferences:
        email, webhooks = self.email or MailPreferences(), self.webhooks or WebhookPreferences()
        return Preferences(email.address, email.enabled, email.statuses, webhooks.enabled)


class Confirmation(_Request):
    """The code that was sent to the address, in any case, with or without its hyphen."""

    code: Annotated[str, Field(min_length=8, max_length=12)]


class EndpointQuery(Asked):
    """`owner`: for operators."""

    cursor: Cursor | None = None
    owner: Annotated[str, Field(max_length=255)] | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 50


class DeliveryQuery(Asked):
    cursor: Cursor | None = None
    state: Literal["waiting", "delivered", "failed", "cancelled"] | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 20
