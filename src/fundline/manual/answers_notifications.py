"""What the notification service answers, as schemas; tests hold both to each other."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from fundline.platform.shapes import Answer
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
    failing_since: AwareDatetime | None
    retired_secret_signs_until: AwareDatetime | None
    created_at: AwareDatetime
    updated_at: AwareDatetime


class WebhookEndpointWithSecret(WebhookEndpoint):
    """The only answer that shows the secret; a repeat with the same key shows it again."""

    secret: Annotated[str, Field(pattern="^whsec_")]


class WebhookEndpointPage(Answer):
    """Newest first. `next_before` is null on the last page."""

    items: list[WebhookEndpoint]
    next_before: UUID | None


class WebhookEndpointDeleted(Answer):
    id: UUID
    state: Literal["deleted"]


class WebhookAttempt(Answer):
    """`response` is the beginning of the answer, `detail` what went wrong."""

    number: Annotated[int, Field(ge=1)]
    started_at: AwareDatetime
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
    created_at: AwareDatetime
    next_attempt_at: AwareDatetime | None
    payload: dict[str, Any]
    attempts: list[WebhookAttempt]


class WebhookDeliveryPage(Answer):
    """Newest first. `next_before` is null on the last page."""

    items: list[WebhookDelivery]
    next_before: UUID | None


class WebhookDeliveryWaiting(Answer):
    """It goes out at once."""

    id: UUID
    state: Literal["waiting"]


class MailPreferencesView(Answer):
    address: str | None
    enabled: bool
    statuses: list[MailedStatus]


class WebhookPreferencesView(Answer):
    enabled: bool


class NotificationPreferences(Answer):
    email: MailPreferencesView
    webhooks: WebhookPreferencesView
