"""What the Application API takes. Unknown fields are refused; amounts are decimal strings."""

import re
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from fundline.contracts.payloads import Status
from fundline.domain.money import Money, MoneyError, minor_units
from fundline.domain.reasons import MOST_REASONS
from fundline.domain.review_reasons import ReviewReason
from fundline.domain.terms import LARGEST_FIGURE_MINOR, amount_out_of_bounds
from fundline.platform.paging import Cursor
from fundline.platform.refusals import FieldError, InvalidRequest
from fundline.platform.shapes import Exact, Reason, documented_pattern
from fundline.platform.texts import Line
from fundline.records import application_record
from fundline.records.accounts import PayoutAccount, UsAccount
from fundline.services.application_api.metadata import checked_metadata

_FRACTION = r"-?[01](\.[0-9]{1,4})?"


def _fraction(value: str) -> str:
    if not re.fullmatch(_FRACTION, value) or abs(Decimal(value)) > 1:
        raise ValueError('A margin is a fraction from -1 to 1 with at most four decimals, such as "0.1250".')
    return value.lstrip("-") if Decimal(value) == 0 else value


def _known_currency(value: str) -> str:
    minor_units(value)
    return value


AmountText = Annotated[str, Field(max_length=24)]
Count = Annotated[int, Field(ge=0, le=100_000)]


class Business(application_record.Business, Exact):
    legal_name: Annotated[str, Line(1, 200)]
    naics: Annotated[str, Field(pattern=r"^[0-9]{2,6}$")]
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] = application_record.HOME_COUNTRY
    state: Annotated[str | None, Field(pattern=r"^[A-Z0-9]{1,3}$")] = None
    legal_form: Literal["sole_proprietorship", "partnership", "llc", "corporation", "other"]
    age: Literal["new", "existing"]
    employees: Count
    franchise: bool
    location: Literal["urban", "rural"]


class Figures(application_record.Figures, Exact):
    """A figure that is not known is left out; the application is then referred to a person, never approved."""

    annual_revenue: AmountText | None = None
    operating_margin: Annotated[str, AfterValidator(_fraction), documented_pattern(_FRACTION)] | None = None
    monthly_debt_service: AmountText | None = None
    cash_at_bank: AmountText | None = None


class Jobs(application_record.Jobs, Exact):
    created: Count = 0
    kept: Count = 0


class ApplicationRequest(Exact):
    amount: AmountText
    currency: Annotated[str, AfterValidator(_known_currency), documented_pattern("[A-Z]{3}")]
    term_months: Annotated[int, Field(ge=3, le=360)]
    purpose: Literal[
        "working_capital", "equipment", "inventory", "real_estate", "expansion", "refinancing", "startup"
    ]
    revolving: bool = False
    business: Business
    figures: Figures
    jobs: Jobs | None = None
    payout_account: PayoutAccount
    metadata: Annotated[dict[str, Any], AfterValidator(checked_metadata)] | None = None

    @cached_property
    def money(self) -> Money:
        return Money.parse(self.amount, self.currency)


def amount_errors(request: ApplicationRequest) -> list[tuple[str, str]]:
    """(path, sentence) of each amount that does not fit the currency or the product."""
    errors: list[tuple[str, str]] = []
    amount = _parsed("amount", request.amount, request.currency, errors)
    if amount is not None and (sentence := amount_out_of_bounds(amount)):
        errors.append(("amount", sentence))
    figures = {
        "figures.annualRevenue": request.figures.annual_revenue,
        "figures.monthlyDebtService": request.figures.monthly_debt_service,
        "figures.cashAtBank": request.figures.cash_at_bank,
    }
    for path, text in figures.items():
        figure = None if text is None else _parsed(path, text, request.currency, errors)
        if figure is not None and figure.amount_minor > LARGEST_FIGURE_MINOR:
            errors.append((path, "This figure is too large to be meant."))
    if sentence := account_error(request.payout_account, request.currency):
        errors.append(("payoutAccount.type", sentence))
    return errors


def account_error(account: PayoutAccount, currency: str) -> str:
    """Why the account cannot receive this currency; empty when it can."""
    if isinstance(account, UsAccount) and currency != "USD":
        return f"A US account receives USD, not {currency}."
    return ""


def _parsed(path: str, text: str, currency: str, errors: list[tuple[str, str]]) -> Money | None:
    try:
        return Money.parse(text, currency)
    except MoneyError as error:
        errors.append((path, str(error)))
        return None


class DecisionRequest(Exact):
    """An underwriter's decision on an application in `pending_review`.

    The applicant reads `principalReasons`, which a rejection has and an approval has not; `reason` is a note for the
    file.
    """

    decision: Literal["approve", "reject"]
    principal_reasons: Annotated[tuple[ReviewReason, ...], Field(max_length=MOST_REASONS)] = ()
    reason: Reason

    def require_reasons(self) -> None:
        """Raises InvalidRequest."""
        if self.decision == "reject" and not self.principal_reasons:
            raise _reasons_refused("A rejection has one to four reasons, which the applicant reads.")
        if self.decision == "approve" and self.principal_reasons:
            raise _reasons_refused("An approval has no reasons.")


def _reasons_refused(why: str) -> InvalidRequest:
    return InvalidRequest(
        "The request was refused and nothing was stored.", errors=[FieldError("principalReasons", why)]
    )


class ReassessmentRequest(Exact):
    """Why an application in `pending_review` is to be assessed again: a note for the file."""

    reason: Reason


class AccountRequest(Exact):
    """The account that an application in `account_needed` is to be paid to."""

    payout_account: PayoutAccount


class ListQuery(Exact):
    limit: Annotated[int, Field(ge=1, le=100)] = 20
    cursor: Cursor | None = None
    status: Status | None = None
