"""Which lane a scoring request takes: small amounts the express lane. The rule is data, in `scoring_lanes`."""

from collections.abc import Mapping

from pydantic import ValidationError

from fundline.contracts.payloads import RiskScoringRequested
from fundline.contracts.topics import RISK_SCORING_REQUESTED, RISK_SCORING_REQUESTED_EXPRESS
from fundline.domain.money import Money, MoneyError
from fundline.platform.database import Database
from fundline.platform.loop import Loop
from fundline.services.event_router import store

Limits = Mapping[str, int]
"""By currency: the largest amount, in minor units, that takes the express lane."""


def is_express(payload: str, limits: Limits) -> bool:
    """False for what cannot be read and for a currency without a limit: the standard lane takes everything."""
    try:
        request = RiskScoringRequested.model_validate_json(payload)
        amount = Money.parse(request.amount, request.currency)
    except (ValidationError, MoneyError):
        return False
    return amount.amount_minor <= limits.get(amount.currency, -1)


class Lanes(Loop):
    """Follows the table without a restart; while it cannot be read, the last known rule stays."""

    def __init__(self, database: Database, *, every_s: float) -> None:
        super().__init__("lanes", every_s=every_s)
        self._database = database
        self._limits: Limits = {}

    def topic_of(self, topic: str, payload: str) -> str:
        """The topic that an event of the outbox is published to."""
        if topic == RISK_SCORING_REQUESTED.name and is_express(payload, self._limits):
            return RISK_SCORING_REQUESTED_EXPRESS.name
        return topic

    async def refresh(self) -> None:
        """Raises DatabaseUnavailable."""
        limits = await store.express_limits(self._database)
        if limits != self._limits:
            self._log.info("lanes.rule", express_up_to_minor=limits)
        self._limits = limits

    async def turn(self) -> None:
        await self.refresh()
