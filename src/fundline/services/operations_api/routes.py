"""All that the operations API offers."""

from typing import Any

from fundline.platform.http.endpoints import Endpoint
from fundline.services.operations_api.audit import routes as audit
from fundline.services.operations_api.cases import routes as cases
from fundline.services.operations_api.corrections import routes as corrections
from fundline.services.operations_api.dead_letters import routes as dead_letters
from fundline.services.operations_api.payments import routes as payments

ENDPOINTS: tuple[Endpoint[Any, Any], ...] = (
    *cases.ENDPOINTS,
    *dead_letters.ENDPOINTS,
    *payments.ENDPOINTS,
    *corrections.ENDPOINTS,
    *audit.ENDPOINTS,
)
