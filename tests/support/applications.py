"""A sound application, as JSON for the API, and its settings for use cases that run in a test."""

import copy
import itertools
import json
import secrets
from typing import Any

from fundline.services.application_api.schemas import ApplicationRequest

SOUND: dict[str, Any] = {
    "amount": "50000.00",
    "currency": "USD",
    "termMonths": 84,
    "purpose": "working_capital",
    "business": {
        "legalName": "Harbor Street Bakery LLC",
        "naics": "722410",
        "state": "OR",
        "legalForm": "llc",
        "age": "existing",
        "employees": 9,
        "franchise": False,
        "location": "rural",
    },
    "figures": {
        "annualRevenue": "640000.00",
        "operatingMargin": "0.1400",
        "monthlyDebtService": "900.00",
        "cashAtBank": "61000.00",
    },
    "jobs": {"created": 2, "kept": 9},
    "payoutAccount": {"type": "us", "routingNumber": "021000021", "accountNumber": "0001234567"},
    "metadata": {"channel": "test"},
}
_NUMBERS = itertools.count(10**6 * (1 + secrets.randbelow(10**6)))
"""Of businesses and accounts: those of two processes never meet."""


def application(**changes: Any) -> dict[str, Any]:
    """A sound application with changes by dotted path: `application(**{"business.employees": 0})`; None removes."""
    body = copy.deepcopy(SOUND)
    for path, value in changes.items():
        *parents, last = path.split(".")
        place = body
        for parent in parents:
            place = place[parent]
        if value is None:
            place.pop(last)
        else:
            place[last] = value
    return body


def application_of_its_own(**changes: Any) -> dict[str, Any]:
    """For a business and an account that no other application has: nothing counts together with it."""
    number = next(_NUMBERS)
    own = {
        "business.legalName": f"Harbor Street Bakery {number} LLC",
        "payoutAccount": {"type": "us", "routingNumber": "021000021", "accountNumber": f"{number}771"},
    }
    return application(**(own | changes))


def an_application(**changes: Any) -> ApplicationRequest:
    """The same, as the use case takes it."""
    return ApplicationRequest.model_validate_json(json.dumps(application(**changes)))
