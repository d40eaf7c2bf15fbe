"""The endpoints of all services behind the gateway, as they are declared."""

from typing import Any

from fundline.platform.http.endpoints import Endpoint
from fundline.services.application_api import routes as application_api
from fundline.services.notification_service import routes as notification_service
from fundline.services.operations_api import routes as operations_api
from fundline.services.status_api import routes as status_api

SERVICES: dict[str, tuple[Endpoint[Any, Any], ...]] = {
    "application-api": application_api.ENDPOINTS,
    "status-service": status_api.ENDPOINTS,
    "operations-api": operations_api.ENDPOINTS,
    "notification-service": notification_service.ENDPOINTS,
}
"""By the process's name."""


def all_endpoints() -> list[Endpoint[Any, Any]]:
    """In the order of the services and of their declarations."""
    return [endpoint for endpoints in SERVICES.values() for endpoint in endpoints]
