"""Which accounts the sandbox declines. The last four characters decide, as with the test cards of card processors.

| account number or IBAN ends in | code              | what a real bank would mean                        |
|--------------------------------|-------------------|----------------------------------------------------|
| 0002                           | account_closed    | the payee has closed the account                   |
| 0003                           | account_not_found | no account has this number                         |
| 0004                           | account_blocked   | the account exists and may not receive payments    |
| 0005                           | limit_exceeded    | the amount is above what the account may receive   |

Every other account is paid. Examples with correct check digits: IBAN DE37370400440532070002 (closed),
DE10370400440532070003 (not found); US routing number 021000021 with account number 1234500002 (closed).
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Decline:
    """`code` is stable: the payer branches on it."""

    code: str
    sentence: str


DECLINED_ENDINGS: dict[str, Decline] = {
    "0002": Decline("account_closed", "The payee has closed the account."),
    "0003": Decline("account_not_found", "No account has this number."),
    "0004": Decline("account_blocked", "The account may not receive payments."),
    "0005": Decline("limit_exceeded", "The amount is above what the account may receive."),
}
SENTENCES: dict[str, str] = {decline.code: decline.sentence for decline in DECLINED_ENDINGS.values()}


def decline_of(account_ending: str) -> Decline | None:
    """`account_ending`: the last four characters. None: the account is paid."""
    return DECLINED_ENDINGS.get(account_ending)
