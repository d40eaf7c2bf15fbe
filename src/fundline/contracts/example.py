"""An application as a client sends it: in the API's description, in commands that are ready to paste, in the demo."""

from typing import Any

EXAMPLE_APPLICATION: dict[str, Any] = {
    "amount": "50000.00",
    "currency": "USD",
    "termMonths": 60,
    "purpose": "working_capital",
    "business": {
        "legalName": "Harbor Street Bakery LLC",
        "naics": "722410",
        "state": "CA",
        "legalForm": "llc",
        "age": "existing",
        "employees": 9,
        "franchise": False,
        "location": "urban",
    },
    "figures": {
        "annualRevenue": "820000.00",
        "operatingMargin": "0.1400",
        "monthlyDebtService": "1500.00",
        "cashAtBank": "98000.00",
    },
    "payoutAccount": {"type": "us", "routingNumber": "110000000", "accountNumber": "000123456789"},
}
