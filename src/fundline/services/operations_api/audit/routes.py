"""What the operations API offers of the audit trail."""

from fundline.contracts.roles import Role
from fundline.platform.http.endpoints import Bound, Endpoint
from fundline.platform.http.path_values import PathValue
from fundline.records.references import MistypedTrackingId
from fundline.services.operations_api.audit.answers import AuditTrailPage
from fundline.services.operations_api.audit.reading import AuditedApplicationNotFound, AuditTrail
from fundline.services.operations_api.audit.schemas import AuditQuery

READ = Endpoint(
    "GET",
    "/v1/audit/{id}",
    name="readAuditTrail",
    summary="An application's story, oldest first. The reading itself is on record.",
    tag="operations",
    roles=(Role.COMPLIANCE, Role.OPERATOR),
    path_values=(PathValue("id", "The application's id or its tracking id."),),
    takes=AuditQuery,
    gives=AuditTrailPage,
    refuses=(AuditedApplicationNotFound, MistypedTrackingId),
)
ENDPOINTS = (READ,)


def bound(trail: AuditTrail) -> list[Bound]:
    return [READ.by(lambda call: trail.page(call.caller, call.path["id"], call.asked))]
