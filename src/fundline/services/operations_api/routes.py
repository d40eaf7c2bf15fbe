"""All that the operations API offers."""

from typing import Any

from fundline.platform.http.endpoints import Endpoint
from fundline.services.operations_api.audit import routes as audit
from fundline.services.operations_api.cases import routes as cases
from fundline.services.operations_api.corrections import routes as corrections
from fundline.services.operations_api.dead_letters import routes as dead_letters
from fundline.services.operations_api.funding import routes as funding
from fundline.services.operations_api.models import routes as models
from fundline.services.operations_api.payment_endings import routes as payment_endings
from fundline.services.operations_api.payments import routes as payments
from fundline.services.operations_api.payments_switch import routes as payments_switch

ENDPOINTS: tuple[Endpoint[Any, Any], ...] = (
    *cases.ENDPOINTS,
    *dead_letters.ENDPOINTS,
    *payments.ENDPOINTS,
    *payment_endings.ENDPOINTS,
    *corrections.ENDPOINTS,
    *funding.ENDPOINTS,
    *audit.ENDPOINTS,
    *payments_switch.ENDPOINTS,
    *models.ENDPOINTS,
)
