"""Reference data that requests are checked against: read at start, refreshed every hour, never in a request's way."""

import asyncio
import contextlib
from dataclasses import dataclass, field

from fundline.domain.money import MINOR_UNITS
from fundline.platform.database import Database
from fundline.platform.refusals import FieldError, Unavailable
from fundline.platform.telemetry.logs import get_log
from fundline.services.application_api import store
from fundline.services.application_api.schemas import ApplicationRequest


@dataclass(slots=True)
class ReferenceData:
    sectors: dict[str, str] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)

    async def load(self, database: Database) -> None:
        self.sectors, self.states = await store.sectors(database), await store.states(database)

    async def keep_fresh(self, database: Database, every_s: float, stop: asyncio.Event) -> None:
        while not stop.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), every_s)
                return
            try:
                await self.load(database)
            except Unavailable as away:
                get_log().warning("reference_data.not_refreshed", cause=str(away))

    def unknown_values(self, request: ApplicationRequest) -> list[FieldError]:
        errors = []
        if request.business.naics[:2] not in self.sectors:
            errors.append(
                FieldError("business.naics", f"No NAICS sector begins with {request.business.naics[:2]}.")
            )
        if request.business.state not in self.states:
            errors.append(FieldError("business.state", f"{request.business.state} is not a US state."))
        return errors

    def listing(self, kind: str) -> list[dict[str, str | int]] | None:
        """`sectors`, `states` or `currencies` as rows of code and name; None for anything else."""
        if kind == "sectors":
            return [{"code": code, "name": name} for code, name in self.sectors.items()]
        if kind == "states":
            return [{"code": code, "name": name} for code, name in self.states.items()]
        if kind == "currencies":
            return [{"code": code, "minorUnits": units} for code, units in MINOR_UNITS.items()]
        return None
