"""What the operations API offers about risk models."""

from fundline.contracts.roles import Role
from fundline.platform.flag_file import FlagFileUnusable, FlagsElsewhere
from fundline.platform.http.endpoints import Bound, Endpoint
from fundline.platform.http.path_values import PathValue
from fundline.services.operations_api.models.answers import ModelChange, RiskModels
from fundline.services.operations_api.models.deeds import ModelDeeds, ModelNotFound, ModelUnusable
from fundline.services.operations_api.models.reading import Models
from fundline.services.operations_api.models.schemas import ModelRequest, PromotionRequest
from fundline.services.operations_api.models.split import SplitRefused
from fundline.services.operations_api.people import READERS

_VERSION = PathValue("version", "Version of a packaged model, such as `lightgbm-1`.")
_FLAGS = (SplitRefused, FlagsElsewhere, FlagFileUnusable)

READ: Endpoint[None, RiskModels] = Endpoint(
    "GET",
    "/v1/risk-models",
    name="readRiskModels",
    summary="Which models decide for how many applicants, which are switched off, and what is asked for.",
    tag="operations",
    roles=READERS,
    gives=RiskModels,
    refuses=_FLAGS,
)
PROMOTE = Endpoint(
    "POST",
    "/v1/risk-models/{version}/promote",
    name="promoteRiskModel",
    summary="Let a model decide: the first person asks for it, and another one agrees by the same request.",
    tag="operations",
    roles=(Role.OPERATOR,),
    path_values=(_VERSION,),
    takes=PromotionRequest,
    gives=ModelChange,
    says="Asked for, or done.",
    refuses=(ModelNotFound, ModelUnusable, *_FLAGS),
    example={"sharePercent": 50, "reason": "A week at 10 % went well."},
)
ROLL_BACK = Endpoint(
    "POST",
    "/v1/risk-models/rollback",
    name="rollBackRiskModel",
    summary="Take the challenger's applicants away, or bring the champion before back; in force within a second.",
    tag="operations",
    roles=(Role.OPERATOR,),
    takes=ModelRequest,
    gives=ModelChange,
    says="Done.",
    refuses=(ModelNotFound, ModelUnusable, *_FLAGS),
    example={"reason": "It approves twice as many as the champion."},
)
RESET = Endpoint(
    "POST",
    "/v1/risk-models/{version}/reset",
    name="resetRiskModel",
    summary="Lift a trip of the guardrail: the first person asks for it, another one agrees by the same request.",
    tag="operations",
    roles=(Role.OPERATOR,),
    path_values=(_VERSION,),
    takes=ModelRequest,
    gives=ModelChange,
    says="Asked for, or done.",
    refuses=(ModelNotFound, ModelUnusable, *_FLAGS),
    example={"reason": "It failed as its files were damaged; they are whole again."},
)
ENDPOINTS = (READ, PROMOTE, ROLL_BACK, RESET)


def bound(models: Models, deeds: ModelDeeds) -> list[Bound]:
    return [
        READ.by(lambda _: models.read()),
        PROMOTE.by(lambda call: deeds.promote(call.caller, call.path["version"], call.asked, call.once)),
        ROLL_BACK.by(lambda call: deeds.rollback(call.caller, call.asked.reason, call.once)),
        RESET.by(lambda call: deeds.reset(call.caller, call.path["version"], call.asked.reason, call.once)),
    ]
