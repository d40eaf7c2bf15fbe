"""The platform once listed funding's metrics, cache keys and roles, although it knows nothing of funding."""

import re
from pathlib import Path

import pytest

import fundline.platform

PLATFORM = Path(fundline.platform.__file__).parent
OF_FUNDING = re.compile(
    r"(?<![a-z])(application|applicant|borrower|payment|payout|disburs|repay|refund|scor|loan|lender|bank|underwrit"
    r"|ledger|money|sector|risk|referral|decision|iban|fee[s]?(?![a-z]))",
    re.IGNORECASE,
)
OF_OTHERS = re.compile(r"application/[a-z+\-]+|application_name")
"""A media type, and PostgreSQL's word for who has a connection."""


def test_the_platform_has_no_word_of_funding():
    found = [
        f"{file.relative_to(PLATFORM)}:{number}: {line.strip()}"
        for file in sorted(PLATFORM.rglob("*.py"))
        for number, line in enumerate(file.read_text().splitlines(), start=1)
        if OF_FUNDING.search(OF_OTHERS.sub("", line))
    ]
    assert found == []


@pytest.mark.parametrize(
    "line",
    [
        "self.bank_calls = new.counter()",
        'RISK_SCORE = CachedKind("x")',
        "applicationId",
        "# a Payment",
        "payout-account",
    ],
)
def test_the_search_finds_such_a_word(line):
    assert OF_FUNDING.search(OF_OTHERS.sub("", line))
