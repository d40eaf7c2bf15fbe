"""What the notification service answers: these models are what is serialised."""

from typing import Annotated, Any, Literal, Self
from uuid import UUID

import orjson
from pydantic import Field

from fundline.platform.paging import Page
from fundline.platform.shapes import Answer, Moment
from fundline.services.notification_service.preference_store import KeptPreferences
from fundline.services.notification_service.schemas import EventType, MailedStatus


class WebhookEndpoint(Answer):
    """`disabled_because`: its owner wanted it, it answered 410, or it took nothing for days. Never with its secret."""

    id: UUID
    owner: str
    url: str
    description: str
    event_types: list[EventType]
    state: Literal["active", "disabled"]
    disabled_because: Literal["owner", "gone", "failing"] | None
    failing_since: Moment | None
    retired_secret_signs_until: Moment | None
    created_at: Moment
    updated_at: Moment

    @classmethod
    def of(cls, row: Any, **more: Any) -> Self:
        return cls(
            id=row["endpoint_id"],
            owner=row["owner"],
            url=row["url"],
            description=row["description"],
            event_types=row["event_types"],
            state=row["state"],
            disabled_because=row["disabled_because"],
            failing_since=row["failing_since"],
            retired_secret_signs_until=row["retired_until"],
            created_at=row["created_at"],
            updated_at=row["updated_at"],
            **more,
        )


class WebhookEndpointWithSecret(WebhookEndpoint):
    """The only answer that shows the secret; a repeat with the same key shows it again."""

    secret: Annotated[str, Field(pattern="^whsec_")]


WebhookEndpointPage = Page[WebhookEndpoint]


class WebhookEndpointDeleted(Answer):
    id: UUID
    state: Literal["deleted"]


class WebhookAttempt(Answer):
    """`response` is the beginning of the answer, `detail` what went wrong."""

    number: Annotated[int, Field(ge=1)]
    started_at: Moment
    duration_ms: Annotated[int, Field(ge=0)]
    result: Literal["delivered", "failed", "gone"]
    response_status: int | None
    response: str | None
    detail: str


class WebhookDelivery(Answer):
    """`webhook_id` is in every attempt: receivers know a repeat by it. The last 20 attempts, newest first."""

    id: UUID
    webhook_id: str
    type: str
    application_id: UUID | None
    state: Literal["waiting", "delivered", "failed", "cancelled"]
    created_at: Moment
    next_attempt_at: Moment | None
    payload: dict[str, Any]
    attempts: list[WebhookAttempt]

    @classmethod
    def of(cls, row: Any) -> Self:
        """`next_attempt_at` is None once it is over. `payload` is what was or will be posted."""
        return cls(
            id=row["notification_id"],
            webhook_id=f"msg_{row['notification_id'].hex}",
            type=row["kind"],
            application_id=row["application_id"],
            state=row["state"],
            created_at=row["created_at"],
            next_attempt_at=row["due_at"] if row["state"] == "waiting" else None,
            payload=orjson.loads(row["body"]),
            attempts=orjson.loads(row["attempts"]),
        )


WebhookDeliveryPage = Page[WebhookDelivery]


class WebhookDeliveryWaiting(Answer):
    """It goes out at once."""

    id: UUID
    state: Literal["waiting"]


class MailPreferencesView(Answer):
    """`confirmed`: until then nothing but its confirmation goes to the address."""

    address: str | None
    confirmed: bool
    enabled: bool
    statuses: list[MailedStatus]


class WebhookPreferencesView(Answer):
    enabled: bool


class NotificationPreferences(Answer):
    email: MailPreferencesView
    webhooks: WebhookPreferencesView

    @classmethod
    def of(cls, kept: KeptPreferences) -> Self:
        preferences = kept.preferences
        mail = MailPreferencesView(
            address=preferences.email_address,
            confirmed=kept.is_confirmed,
            enabled=preferences.email_enabled,
            statuses=preferences.email_statuses,
        )
        return cls(email=mail, webhooks=WebhookPreferencesView(enabled=preferences.webhooks_enabled))
