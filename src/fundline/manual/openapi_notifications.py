"""The notification service in the OpenAPI document."""

from typing import Any

from pydantic import BaseModel

from fundline.manual import answers_notifications as answers
from fundline.manual.openapi_parts import (
    IDEMPOTENCY_KEY,
    PLAYED_BACK,
    operation,
    path_parameter,
    query_of,
    refused,
    responds,
)
from fundline.services.notification_service.schemas import (
    DeliveryQuery,
    EndpointChange,
    EndpointQuery,
    NewEndpoint,
    PreferencesDocument,
)

TAG = {"name": "notifications", "description": "Notification service: webhooks, their log, preferences"}
REQUESTS: tuple[type[BaseModel], ...] = (NewEndpoint, EndpointChange, PreferencesDocument)
ANSWERS: tuple[type[BaseModel], ...] = (
    answers.WebhookEndpoint,
    answers.WebhookEndpointWithSecret,
    answers.WebhookEndpointPage,
    answers.WebhookEndpointDeleted,
    answers.WebhookDeliveryPage,
    answers.WebhookDeliveryWaiting,
    answers.NotificationPreferences,
)
_UUID = {"type": "string", "format": "uuid"}
_ENDPOINT_ID = path_parameter("id", "The endpoint's id.", _UUID)
_DELIVERY_ID = path_parameter("deliveryId", "The delivery's id.", _UUID)
_PATH = "/v1/webhook-endpoints"
_NEW = {"url": "https://hooks.example.com/fundline", "eventTypes": ["application.status_updated"]}


def notification_paths() -> dict[str, Any]:
    return {**_endpoint_paths(), **_delivery_paths(), **_preference_paths()}


def _endpoint_paths() -> dict[str, Any]:
    return {
        _PATH: {
            "post": _write(
                "createWebhookEndpoint",
                "Have events posted to a URL; the answer shows its secret once. Roles: applicant, partner.",
                responds("Made.", "WebhookEndpointWithSecret", headers=PLAYED_BACK),
                [],
                status="201",
                body=("NewEndpoint", _NEW),
            ),
            "get": _read(
                "listWebhookEndpoints",
                "The caller's endpoints, newest first; operators see everybody's.",
                "WebhookEndpointPage",
                query_of(EndpointQuery),
            ),
        },
        f"{_PATH}/{{id}}": {
            "get": _read("readWebhookEndpoint", "One endpoint.", "WebhookEndpoint", [_ENDPOINT_ID]),
            "patch": _write(
                "changeWebhookEndpoint",
                "Change what is given; switch it off or on.",
                responds("As it is now.", "WebhookEndpoint", headers=PLAYED_BACK),
                [_ENDPOINT_ID],
                body=("EndpointChange", {"state": "active"}),
            ),
            "delete": _write(
                "deleteWebhookEndpoint",
                "Delete it, with what waits and its log.",
                responds("Gone.", "WebhookEndpointDeleted", headers=PLAYED_BACK),
                [_ENDPOINT_ID],
            ),
        },
        f"{_PATH}/{{id}}/secret/rotate": {
            "post": _write(
                "rotateWebhookSecret",
                "A new secret; the old one signs too for 24 hours.",
                responds("The new secret, once.", "WebhookEndpointWithSecret", headers=PLAYED_BACK),
                [_ENDPOINT_ID],
            )
        },
    }


def _delivery_paths() -> dict[str, Any]:
    waiting = responds("It goes out.", "WebhookDeliveryWaiting", headers=PLAYED_BACK)
    return {
        f"{_PATH}/{{id}}/test": {
            "post": _write(
                "testWebhookEndpoint",
                "Post an event of the type `webhook.test`.",
                waiting,
                [_ENDPOINT_ID],
                status="202",
            )
        },
        f"{_PATH}/{{id}}/deliveries": {
            "get": _read(
                "listWebhookDeliveries",
                "The delivery log of 30 days, newest first.",
                "WebhookDeliveryPage",
                [_ENDPOINT_ID, *query_of(DeliveryQuery)],
            )
        },
        f"{_PATH}/{{id}}/deliveries/{{deliveryId}}/redeliver": {
            "post": _write(
                "redeliverWebhook",
                "Make a delivery that is over again, under the same webhook id.",
                waiting,
                [_ENDPOINT_ID, _DELIVERY_ID],
                status="202",
            )
        },
    }


def _preference_paths() -> dict[str, Any]:
    return {
        "/v1/notification-preferences": {
            "get": _read(
                "readNotificationPreferences",
                "What the caller is told, and how.",
                "NotificationPreferences",
                [],
            ),
            "put": _write(
                "putNotificationPreferences",
                "Put the whole document; what is left out takes its default. Roles: applicant, partner.",
                responds("As it is now.", "NotificationPreferences", headers=PLAYED_BACK),
                [],
                body=("PreferencesDocument", {"email": {"address": "alice@harborstreet.example"}}),
            ),
        }
    }


def _read(operation_id: str, summary: str, schema: str, parameters: list[dict[str, Any]]) -> dict[str, Any]:
    return operation(
        operation_id,
        summary,
        parameters=parameters,
        responses={"200": responds("Found.", schema), **refused(401, 403, 404, 422, 429, 503)},
        tag=TAG["name"],
    )


def _write(
    operation_id: str,
    summary: str,
    answer: dict[str, Any],
    parameters: list[dict[str, Any]],
    *,
    status: str = "200",
    body: tuple[str, dict[str, Any]] | None = None,
) -> dict[str, Any]:
    return operation(
        operation_id,
        summary,
        parameters=[*parameters, IDEMPOTENCY_KEY],
        body=body,
        responses={status: answer, **refused(400, 401, 403, 404, 409, 413, 415, 422, 429, 503)},
        tag=TAG["name"],
    )
