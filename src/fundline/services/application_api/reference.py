"""Reference data that requests are checked against: read at start, refreshed every hour, never in a request's way."""

from fundline.domain.money import MINOR_UNITS
from fundline.platform.database import Database
from fundline.platform.loop import Loop
from fundline.platform.refusals import FieldError
from fundline.services.application_api import store
from fundline.services.application_api.schemas import ApplicationRequest


class ReferenceData(Loop):
    def __init__(self, database: Database, *, every_s: float = 3600.0) -> None:
        super().__init__("reference-data", every_s=every_s)
        self._database = database
        self.sectors: dict[str, str] = {}
        self.states: dict[str, str] = {}

    async def load(self) -> None:
        self.sectors, self.states = await store.sectors(self._database), await store.states(self._database)

    async def turn(self) -> None:
        await self.load()

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
