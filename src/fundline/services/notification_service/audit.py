"""Whom and what the audit trail names for this service."""

from uuid import UUID

from fundline.platform.identity import Caller

ACTOR = "notification-service"


def endpoint_stream(endpoint_id: UUID) -> str:
    return f"webhook-endpoint:{endpoint_id}"


def actor_of(caller: Caller) -> str:
    return f"{ACTOR}:{caller.subject}"
