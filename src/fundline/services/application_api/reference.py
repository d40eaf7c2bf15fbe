"""Reference data that requests are checked against: read at start, refreshed every hour, never in a request's way."""

from fundline.domain.money import MINOR_UNITS
from fundline.platform.database import Database
from fundline.platform.loop import Loop
from fundline.platform.refusals import FieldError, Kind, Refusal
from fundline.services.application_api import answers, store
from fundline.services.application_api.answers import ReferenceRow
from fundline.services.application_api.schemas import ApplicationRequest


class UnknownReferenceData(Refusal):
    kind = Kind.NOT_FOUND
    code = "reference-data-not-found"
    title = "There is no such reference data"


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

    async def listing(self, kind: str) -> answers.ReferenceData:
        """`sectors`, `states` or `currencies`. Raises UnknownReferenceData."""
        if kind == "sectors":
            items = [ReferenceRow(code=code, name=name) for code, name in self.sectors.items()]
        elif kind == "states":
            items = [ReferenceRow(code=code, name=name) for code, name in self.states.items()]
        elif kind == "currencies":
            items = [ReferenceRow(code=code, minor_units=units) for code, units in MINOR_UNITS.items()]
        else:
            raise UnknownReferenceData("Reference data are sectors, states and currencies.")
        return answers.ReferenceData(items=items)
