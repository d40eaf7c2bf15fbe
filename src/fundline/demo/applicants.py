"""Loan applications for the demo, made from real loans of the US Small Business Administration.

Real, taken from the row as it stands: the amount, revolving or not, state, NAICS code, new or existing,
employees, franchise, urban or rural, jobs created and kept, and the legal form where the row names one.

Derived, because the public records do not have it, with a random generator seeded by `seed` and the row's
number: revenue, margin, debt service and cash (from sector and employees), purpose and term (from the amount
and the age of the business, after the terms of 7(a) loans approved since 2020; the term in the records is
overwritten for loans that failed and must not be used), the currency (a few ask in EUR or GBP, the number
unchanged), legal form and place where the row says "other" or "unknown". Invented: the legal name and the
payout account. What became of the loan is never read.
"""

import csv
import random
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from schwifty import IBAN

from fundline.demo.trade_figures import TRADE_FIGURES

CASH_BUFFER_DAYS = 27
"""Days of outgoings a median small business holds in cash. JPMorgan Chase Institute, "Cash is King", 2016."""
SHARE_WITHOUT_DEBT = 0.35
SHARE_OF_NEW_THAT_START_UP = 0.6
LARGE_AMOUNT, SMALL_AMOUNT = 250_000, 25_000
OWNER_RUN_UP_TO_EMPLOYEES = 4

EURO_COUNTRIES = ("BE", "ES", "FR", "IE", "NL")
FIRST_WORDS = (
    "Alder", "Beacon", "Birch", "Bluff", "Canyon", "Cedar", "Clover", "Copper", "Cypress", "Delta",
    "Ember", "Fern", "Granite", "Harbor", "Hazel", "Heron", "Juniper", "Lantern", "Linden", "Maple",
    "Meadow", "Mesa", "Oak", "Orchard", "Pine", "Prairie", "Quarry", "River", "Saddle", "Sage", "Sierra",
    "Spruce", "Summit", "Thistle", "Timber", "Valley", "Willow", "Wren",
)  # fmt: skip
SECOND_WORDS = (
    "Bridge", "Creek", "Gate", "Grove", "Hill", "Lane", "Point", "Ridge", "Road", "Side", "Street",
    "Way",
)  # fmt: skip
NAME_ENDINGS = {"llc": " LLC", "corporation": " Inc.", "partnership": " & Partners"}


class UnusableLoan(ValueError):
    """The row lacks something every application must have (its sector or whether the business was new)."""


def sample_loans() -> list[dict[str, str]]:
    """The rows of `sample_loans.csv`, in its order; columns as its README says."""
    text = files("fundline.demo").joinpath("sample_loans.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def derive_application(row: Mapping[str, str], seed: int, run: str = "") -> dict[str, Any]:
    """The JSON body of `POST /v1/applications` for one loan: the same arguments always give the same body.

    `run` makes business and account those of one run: what an earlier one was paid does not count together with it.
    Raises UnusableLoan when the row has no NAICS code of a known sector or no age of the business.
    """
    if row["naics"][:2] not in TRADE_FIGURES or row["new_business"] not in {"new", "existing"}:
        message = f"loan {row['row']} has no known sector or business age"
        raise UnusableLoan(message)
    dice = random.Random(f"{seed}:{row['row']}")
    currency = dice.choices(("USD", "EUR", "GBP"), (88, 8, 4))[0]
    purpose = _purpose(row, dice)
    figures = _figures(row, dice)
    legal_form = _legal_form(row, dice)
    return {
        "amount": f"{int(row['amount_approved'])}.00",
        "currency": currency,
        "termMonths": _term_months(purpose, int(row["amount_approved"]), dice),
        "purpose": purpose,
        "revolving": row["revolver"] == "1",
        "business": {
            "legalName": _legal_name(row, legal_form, run, dice),
            "naics": row["naics"],
            "state": row["state"],
            "legalForm": legal_form,
            "age": row["new_business"],
            "employees": int(row["employees"]),
            "franchise": row["franchise"] == "1",
            "location": _location(row, dice),
        },
        "figures": figures,
        "jobs": {"created": int(row["jobs_create"]), "kept": int(row["jobs_retain"])},
        "payoutAccount": _payout_account(currency, random.Random(f"{seed}:{row['row']}:{run}")),
        "metadata": {"source": "sba-sample", "row": row["row"]},
    }


def _figures(row: Mapping[str, str], dice: random.Random) -> dict[str, str]:
    """Revenue spreads around the sector's figure per head, less for a new business; the rest follows."""
    trade = TRADE_FIGURES[row["naics"][:2]]
    # The owner works too, and is not always counted as an employee.
    heads = max(int(row["employees"]), 1) ** 0.9 + 0.5
    maturity = dice.uniform(0.5, 0.95) if row["new_business"] == "new" else 1.0
    revenue = trade.revenue_per_employee * heads * maturity * dice.lognormvariate(0.15, 0.45)
    margin = max(-0.05, trade.operating_margin * dice.gauss(1.0, 0.45))
    owed_share = 0.0 if dice.random() < SHARE_WITHOUT_DEBT else dice.uniform(0.05, 0.45)
    debt_service = max(margin, 0.03) * revenue / 12 * owed_share
    cash = revenue * (1 - margin) / 365 * CASH_BUFFER_DAYS * dice.lognormvariate(0.0, 0.7)
    return {
        "annualRevenue": f"{round(revenue, -2):.2f}",
        "operatingMargin": f"{margin:z.4f}",
        "monthlyDebtService": f"{round(debt_service, -1):.2f}",
        "cashAtBank": f"{round(cash, -1):.2f}",
    }


def _purpose(row: Mapping[str, str], dice: random.Random) -> str:
    amount = int(row["amount_approved"])
    if row["new_business"] == "new" and dice.random() < SHARE_OF_NEW_THAT_START_UP:
        return "startup"
    if row["revolver"] == "1":
        return dice.choices(("working_capital", "inventory"), (70, 30))[0]
    if amount >= LARGE_AMOUNT:
        return dice.choices(("real_estate", "expansion", "equipment", "refinancing"), (55, 20, 15, 10))[0]
    return dice.choices(
        ("working_capital", "equipment", "inventory", "expansion", "refinancing"), (30, 30, 15, 15, 10)
    )[0]


def _term_months(purpose: str, amount: int, dice: random.Random) -> int:
    """Quartiles of 7(a) loans since 2020 are all 120 months; small ones less, real estate more."""
    if purpose == "real_estate":
        return dice.choices((180, 240, 300), (15, 25, 60))[0]
    if amount < SMALL_AMOUNT:
        return dice.choices((36, 60, 84, 120), (15, 30, 35, 20))[0]
    return dice.choices((60, 84, 120), (8, 17, 75))[0]


def _legal_form(row: Mapping[str, str], dice: random.Random) -> str:
    """The records tell corporations and LLCs by their names; "other" are names that do not say."""
    if row["legal_form"] in {"corporation", "llc"}:
        return row["legal_form"]
    owner_run = int(row["employees"]) <= OWNER_RUN_UP_TO_EMPLOYEES
    return dice.choices(
        ("sole_proprietorship", "partnership", "other"), (60, 10, 30) if owner_run else (25, 15, 60)
    )[0]


def _location(row: Mapping[str, str], dice: random.Random) -> str:
    if row["urban_rural"] in {"urban", "rural"}:
        return row["urban_rural"]
    return dice.choices(("urban", "rural"), (80, 20))[0]


def _legal_name(row: Mapping[str, str], legal_form: str, run: str, dice: random.Random) -> str:
    trade = TRADE_FIGURES[row["naics"][:2]].trade
    number = f"{row['row']}{run}"
    name = f"{dice.choice(FIRST_WORDS)} {dice.choice(SECOND_WORDS)} {trade} {number}"
    return f"{name}{NAME_ENDINGS.get(legal_form, '')}"


def _payout_account(currency: str, dice: random.Random) -> dict[str, str]:
    """Numbers with correct check digits of accounts that do not exist."""
    if currency == "USD":
        account_number = "".join(str(dice.randrange(10)) for _ in range(10))
        return {"type": "us", "routingNumber": _routing_number(dice), "accountNumber": account_number}
    country = "GB" if currency == "GBP" else dice.choice(EURO_COUNTRIES)
    return {"type": "iban", "iban": str(IBAN.random(country_code=country, random=dice))}


def _routing_number(dice: random.Random) -> str:
    """Nine digits: a Federal Reserve district (01 to 12), six more, and the check digit.

    Source: American Bankers Association, Routing Number Policy: 3, 7, 1 weights, the sum a multiple of ten.
    """
    digits = [int(digit) for digit in f"{dice.randint(1, 12):02d}{dice.randrange(1_000_000):06d}"]
    weighted = sum(digit * weight for digit, weight in zip(digits, (3, 7, 1) * 3, strict=False))
    return "".join(map(str, digits)) + str(-weighted % 10)
