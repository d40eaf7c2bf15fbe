"""The risk worker's Kafka doors."""

from collections.abc import Awaitable

from fundline.contracts.payloads import ApplicationCreated, RiskScoringRequested
from fundline.platform.kafka.messages import Event, Poison
from fundline.records.application_record import FactsImpossible
from fundline.records.status import UnknownApplication
from fundline.services.risk_worker.scoring import Scoring


class Handlers:
    def __init__(self, scoring: Scoring) -> None:
        self._scoring = scoring

    async def application_created(self, event: Event[ApplicationCreated]) -> None:
        await self._guarded(self._scoring.begin(event.payload.application_id))

    async def scoring_requested(self, event: Event[RiskScoringRequested]) -> None:
        payload = event.payload
        await self._guarded(self._scoring.score(payload.application_id, event_id=event.envelope.event_id))

    async def _guarded(self, work: Awaitable[None]) -> None:
        try:
            await work
        except (UnknownApplication, FactsImpossible) as error:
            raise Poison(str(error)) from error
