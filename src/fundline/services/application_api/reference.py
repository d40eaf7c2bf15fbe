"""Reference data that requests are checked against: read at start, refreshed every hour, never in a request's way."""

from fundline.domain.money import MINOR_UNITS
from fundline.platform.database import Database
from fundline.platform.loop import Loop
from fundline.platform.refusals import FieldError, Kind, Refusal
from fundline.records.application_record import HOME_COUNTRY
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
        self.countries: dict[str, ReferenceRow] = {}
        self.regions: dict[str, ReferenceRow] = {}

    async def load(self) -> None:
        self.sectors, self.states = await store.sectors(self._database), await store.states(self._database)
        self.countries = {
            row["country_code"]: ReferenceRow(
                code=row["country_code"], name=row["name"], region_required=row["region_required"]
            )
            for row in await store.countries(self._database)
        }
        codes = [
            (f"{row['country_code']}-{row['region_code']}", row)
            for row in await store.regions(self._database)
        ]
        self.regions = {code: ReferenceRow(code=code, name=row["name"]) for code, row in codes}

    async def turn(self) -> None:
        await self.load()

    def unknown_values(self, request: ApplicationRequest) -> list[FieldError]:
        errors = []
        if request.business.naics[:2] not in self.sectors:
            errors.append(
                FieldError("business.naics", f"No NAICS sector begins with {request.business.naics[:2]}.")
            )
        return errors + self._wrong_place(request.business.country, request.business.state)

    def _wrong_place(self, country: str, state: str | None) -> list[FieldError]:
        """What the reference data say against a country and its region."""
        known = self.countries.get(country)
        if known is None:
            return [
                FieldError("business.country", f"{country} is no country's code (ISO 3166-1, two letters).")
            ]
        if state is None:
            missing = f"A business in {known.name} states its region (ISO 3166-2, without {country}-)."
            return [FieldError("business.state", missing)] if known.region_required else []
        if country == HOME_COUNTRY:
            return (
                [] if state in self.states else [FieldError("business.state", f"{state} is not a US state.")]
            )
        if f"{country}-{state}" in self.regions:
            return []
        return [
            FieldError(
                "business.state", f"{known.name} has no region {state} (ISO 3166-2, without {country}-)."
            )
        ]

    async def listing(self, kind: str) -> answers.ReferenceData:
        """`sectors`, `states`, `countries`, `regions` or `currencies`. Raises UnknownReferenceData."""
        if kind == "sectors":
            items = [ReferenceRow(code=code, name=name) for code, name in self.sectors.items()]
        elif kind == "states":
            items = [ReferenceRow(code=code, name=name) for code, name in self.states.items()]
        elif kind in {"countries", "regions"}:
            items = list((self.countries if kind == "countries" else self.regions).values())
        elif kind == "currencies":
            items = [ReferenceRow(code=code, minor_units=units) for code, units in MINOR_UNITS.items()]
        else:
            raise UnknownReferenceData(
                "Reference data are sectors, states, countries, regions and currencies."
            )
        return answers.ReferenceData(items=items)
