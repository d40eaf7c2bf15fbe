"""What the operations API offers about the switch of payments."""

from fundline.contracts.roles import Role
from fundline.platform.flag_file import FlagFileUnusable, FlagsElsewhere
from fundline.platform.http.endpoints import Bound, Endpoint
from fundline.services.operations_api.payments_switch.answers import PaymentsSwitch
from fundline.services.operations_api.payments_switch.deeds import PaymentsNotHalted, SwitchDeeds
from fundline.services.operations_api.payments_switch.reading import Switch
from fundline.services.operations_api.payments_switch.schemas import SwitchRequest
from fundline.services.operations_api.people import READERS

_FLAGS = (FlagsElsewhere, FlagFileUnusable)

READ: Endpoint[None, PaymentsSwitch] = Endpoint(
    "GET",
    "/v1/payments-switch",
    name="readPaymentsSwitch",
    summary="Whether payments are sent, and whether somebody has asked for them to go on.",
    tag="operations",
    roles=READERS,
    gives=PaymentsSwitch,
    refuses=_FLAGS,
)
HALT = Endpoint(
    "POST",
    "/v1/payments-switch/halt",
    name="haltPayments",
    summary="Send no payment any more, within half a second. What is with the bank is looked up all the same.",
    tag="operations",
    roles=(Role.OPERATOR,),
    takes=SwitchRequest,
    gives=PaymentsSwitch,
    says="Halted.",
    refuses=_FLAGS,
    example={"reason": "The bank has called: amounts are wrong."},
)
RESUME = Endpoint(
    "POST",
    "/v1/payments-switch/resume",
    name="resumePayments",
    summary="Send payments again: the first person asks for it, and another one agrees by the same request.",
    tag="operations",
    roles=(Role.OPERATOR,),
    takes=SwitchRequest,
    gives=PaymentsSwitch,
    says="Asked for, or done.",
    refuses=(PaymentsNotHalted, *_FLAGS),
    example={"reason": "The wrong amount was found and mended."},
)
ENDPOINTS = (READ, HALT, RESUME)


def bound(switch: Switch, deeds: SwitchDeeds) -> list[Bound]:
    return [
        READ.by(lambda _: switch.read()),
        HALT.by(lambda call: deeds.halt(call.caller, call.asked.reason, call.once)),
        RESUME.by(lambda call: deeds.resume(call.caller, call.asked.reason, call.once)),
    ]
