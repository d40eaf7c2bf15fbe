"""The doors of every service, ours and the outside world's, with stand-ins for their use cases; no engine runs."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from prometheus_client import CollectorRegistry
from starlette.routing import BaseRoute

from fundline.contracts.roles import Role
from fundline.outside.bank_sandbox.admin_routes import admin_routes
from fundline.outside.bank_sandbox.iso_routes import iso_routes
from fundline.outside.bank_sandbox.misbehaviour import Doors
from fundline.outside.bank_sandbox.routes import bank_routes
from fundline.outside.mail_sink.mailbox import Mailbox
from fundline.outside.mail_sink.routes import Pages
from fundline.platform.clock import utc_now
from fundline.platform.http.endpoints import Bound, BoundApp, served
from fundline.platform.http.health import health_routes
from fundline.platform.http.tokens import Unauthenticated
from fundline.platform.identity import Caller
from fundline.platform.telemetry.metrics import Metrics
from fundline.services.application_api import routes as application_api
from fundline.services.disbursement_worker.bank_events import bank_event_routes
from fundline.services.model_service.routes import ModelDoor
from fundline.services.notification_service import routes as notification_service
from fundline.services.operations_api.audit import routes as audit
from fundline.services.operations_api.cases import routes as cases
from fundline.services.operations_api.corrections import routes as corrections
from fundline.services.operations_api.dead_letters import routes as dead_letters
from fundline.services.operations_api.funding import routes as funding
from fundline.services.operations_api.models import routes as models
from fundline.services.operations_api.payment_endings import routes as payment_endings
from fundline.services.operations_api.payments import routes as payments
from fundline.services.operations_api.payments_switch import routes as payments_switch
from fundline.services.status_api import routes as status_api
from fundline.services.status_api.settings import Settings as StatusSettings


class StandIn:
    """Every use case of every service: gives whatever is asked for."""

    def __init__(self) -> None:
        self.gives: Any = None

    def __getattr__(self, name: str) -> Any:
        async def use_case(*_: Any, **__: Any) -> Any:
            return self.gives

        return use_case


class Tokens:
    """The token is the caller's role."""

    def caller(self, connection: Any, *, allow_query: bool = False) -> Caller:
        role = connection.headers.get("authorization")
        if role is None:
            raise Unauthenticated("Send a token.")
        return Caller(f"{role}-1", Role(role))


TOKENS: Any = Tokens()
BOUND: dict[str, Callable[[Any], Iterable[Bound | BoundApp]]] = {
    "application-api": lambda use_cases: application_api.bound(*[use_cases] * 6),
    "status-service": lambda use_cases: status_api.bound(
        use_cases, use_cases, TOKENS, StatusSettings.model_construct()
    ),
    "operations-api": lambda use_cases: [
        *cases.bound(use_cases, use_cases),
        *dead_letters.bound(use_cases, use_cases, use_cases),
        *payments.bound(use_cases, use_cases, use_cases, use_cases),
        *payment_endings.bound(use_cases, use_cases),
        *corrections.bound(use_cases, use_cases),
        *funding.bound(use_cases),
        *audit.bound(use_cases),
        *payments_switch.bound(use_cases, use_cases),
        *models.bound(use_cases, use_cases),
    ],
    "notification-service": lambda use_cases: notification_service.bound(*[use_cases] * 4),
}
"""What each composition root serves, by the process's name."""


def doors() -> dict[str, Sequence[BaseRoute]]:
    """The routes of every process that answers HTTP, by its name, and those that each process has."""
    any_use: Any = StandIn()
    metrics = Metrics(CollectorRegistry())
    found: dict[str, Sequence[BaseRoute]] = {
        name: served(TOKENS, build(any_use)) for name, build in BOUND.items()
    }
    found |= {
        "bank-sandbox": [
            *bank_routes(any_use, Doors()),
            *iso_routes(any_use, Doors(), utc_now),
            *admin_routes(any_use, any_use),
        ],
        "disbursement-worker": bank_event_routes(any_use),
        "model-service": ModelDoor(
            any_use, any_use, any_use, is_draining=lambda: False, most_rows=8, patience_s=1.0
        ).routes(),
        "mail-sink": Pages(Mailbox(3)).all(),
        "every process": health_routes(
            {}, is_draining=lambda: False, late_loops=list, metrics=metrics, before_scrape=lambda: None
        ),
    }
    return found
