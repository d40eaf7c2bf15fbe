"""The stored application: one shape that the API writes, the risk worker reads, and tests make.

One optional field more costs: a migration (none where it stands inside of a document), the field here, the request's
field with its limits, and a test. Only what a rule or a model looks at goes into `ApplicantFacts` as well.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

import orjson
from pydantic import ConfigDict, ValidationError

from fundline.domain.facts import ApplicantFacts
from fundline.domain.money import Money
from fundline.platform.secrets import SecretBox
from fundline.platform.shapes import CamelCase
from fundline.records.accounts import PayoutAccount

COLUMNS: Mapping[str, str] = {
    "application_id": "uuid",
    "tracking_id": "text",
    "user_id": "text",
    "submitted_as": "text",
    "amount_minor": "bigint",
    "currency": "text",
    "term_months": "smallint",
    "purpose": "text",
    "revolving": "boolean",
    "business": "jsonb",
    "figures": "jsonb",
    "jobs": "jsonb",
    "metadata": "jsonb",
    "payout_account": "bytea",
    "payout_index": "bytea",
    "payout_kind": "text",
    "payout_last4": "text",
    "created_at": "timestamptz",
}
"""Written once, when an application is submitted. Its status moves by `records/status.py` alone."""
INSERT = f"""insert into applications ({", ".join(COLUMNS)}, status, status_sequence, updated_at)
    select {", ".join(f":{name}::{type_}" for name, type_ in COLUMNS.items())},
           :status::text, :status_sequence::integer, :created_at"""
"""Named SQL, for `ApplicationRecord.row` and the status; a statement may go on with `from`."""
FACT_COLUMNS = [
    "amount_minor",
    "currency",
    "term_months",
    "purpose",
    "revolving",
    "business",
    "figures",
    "jobs",
]
FACTS = ", ".join(f"a.{name}{'::text' if COLUMNS[name] == 'jsonb' else ''}" for name in FACT_COLUMNS)
"""What `facts_of` wants of `applications a`."""


HOME_COUNTRY = "US"
"""Of businesses that say none: all that were stored before there were others."""


class FactsImpossible(ValueError):
    """What is stored is nothing that an application can say: it was not written by the API, or changed since."""


class Document(CamelCase):
    """A document column: camelCase. What a later release has added is left alone."""

    model_config = ConfigDict(populate_by_name=True, frozen=True, strict=True)


class Business(Document):
    """`country`: ISO 3166-1, two letters. `state`: its region by ISO 3166-2 without the country, where it has one."""

    legal_name: str
    naics: str
    country: str = HOME_COUNTRY
    state: str | None = None
    legal_form: str
    age: str
    employees: int
    franchise: bool
    location: str


class Figures(Document):
    """Amounts in major units of the application's currency, and a margin as a fraction, as text. None: not stated."""

    annual_revenue: str | None
    operating_margin: str | None
    monthly_debt_service: str | None
    cash_at_bank: str | None


class Jobs(Document):
    created: int | None = None
    kept: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedAccount:
    """Where the money goes: the number sealed for this application, and what of it is shown and searched.

    `index` None: stored before accounts had one.
    """

    sealed: bytes
    index: bytes | None
    kind: str
    last4: str


def sealed_account(account: PayoutAccount, application_id: UUID, box: SecretBox) -> SealedAccount:
    return SealedAccount(
        sealed=box.seal(account.model_dump_json(by_alias=True).encode(), application_id),
        index=box.blind_index(account.identity),
        kind=account.type,
        last4=account.last4,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationRecord:
    application_id: UUID
    tracking_id: str
    user_id: str
    submitted_as: Literal["applicant", "partner"] = "applicant"
    amount: Money
    term_months: int
    purpose: str
    revolving: bool
    business: Business
    figures: Figures
    jobs: Jobs | None
    metadata: Mapping[str, Any]
    account: SealedAccount
    created_at: datetime

    def row(self) -> dict[str, Any]:
        """A value for each of COLUMNS, as the driver takes it."""
        return {
            "application_id": self.application_id,
            "tracking_id": self.tracking_id,
            "user_id": self.user_id,
            "submitted_as": self.submitted_as,
            "amount_minor": self.amount.amount_minor,
            "currency": self.amount.currency,
            "term_months": self.term_months,
            "purpose": self.purpose,
            "revolving": self.revolving,
            "business": self.business.model_dump_json(by_alias=True),
            "figures": self.figures.model_dump_json(by_alias=True),
            "jobs": None if self.jobs is None else self.jobs.model_dump_json(by_alias=True),
            "metadata": orjson.dumps(dict(self.metadata)).decode(),
            "payout_account": self.account.sealed,
            "payout_index": self.account.index,
            "payout_kind": self.account.kind,
            "payout_last4": self.account.last4,
            "created_at": self.created_at,
        }


def facts_of(row: Any) -> ApplicantFacts:
    """From a row of FACTS, with `revenue_volatility` and `state_known` of the reference tables.

    Raises FactsImpossible.
    """
    try:
        return _facts_of(row)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise FactsImpossible(f"the stored facts cannot be scored: {error.title}: {wrong}") from error
    except (ValueError, LookupError, TypeError, ArithmeticError) as error:
        raise FactsImpossible(
            f"the stored facts cannot be scored: {type(error).__name__}: {error}"
        ) from error


def _facts_of(row: Any) -> ApplicantFacts:
    business = Business.model_validate_json(row["business"])
    figures = Figures.model_validate_json(row["figures"])
    jobs = Jobs() if row["jobs"] is None else Jobs.model_validate_json(row["jobs"])
    return ApplicantFacts(
        amount=Money(row["amount_minor"], row["currency"]).decimal(),
        currency=row["currency"],
        term_months=row["term_months"],
        purpose=row["purpose"],
        revolving=row["revolving"],
        naics=business.naics,
        state=_state_of(business),
        state_known=row["state_known"],
        sector_volatility=row["revenue_volatility"],
        business_age=business.age,
        legal_form=business.legal_form,
        employees=business.employees,
        franchise=business.franchise,
        location=business.location,
        annual_revenue=_decimal(figures.annual_revenue),
        operating_margin=_decimal(figures.operating_margin),
        monthly_debt_service=_decimal(figures.monthly_debt_service),
        cash_at_bank=_decimal(figures.cash_at_bank),
        jobs_created=jobs.created,
        jobs_kept=jobs.kept,
    )


def _state_of(business: Business) -> str:
    """A state of the US by itself, any other region with its country: Western Australia is not Washington."""
    state = business.state or ""
    return state if business.country == HOME_COUNTRY else f"{business.country}-{state}"


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
