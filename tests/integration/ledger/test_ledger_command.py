import asyncio
import json
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from fundline.commands.ledger.command import app
from fundline.domain.money import Money
from fundline.domain.payment import PaymentState
from fundline.platform.command_errors import CommandFailed
from fundline.platform.database import open_database
from fundline.platform.settings import DatabaseSettings
from support.ledger import open_payment, reach

pytestmark = pytest.mark.integration
S = PaymentState
YEN = Money(1_000_000, "JPY")


def _fundline_ledger(database_url: str, *arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), env={"FUNDLINE_DATABASE_URL": database_url})


def _pay(database_url: str, *, forge: str = "") -> None:
    """A payment that settled and one on its way; `forge` is a statement run afterwards."""

    async def run() -> Any:
        database = await open_database(DatabaseSettings(database_url=database_url, database_pool_size=1))
        paid, on_its_way = await open_payment(database), await open_payment(database, YEN)
        await reach(database, paid, S.SUBMITTED)
        await reach(database, paid, S.SETTLED)
        await reach(database, on_its_way, S.SUBMITTED, YEN)
        if forge:
            await database.execute(forge)
        await database.close()

    asyncio.run(run())


def test_the_trial_balance_shows_aligned_decimal_amounts(database_url):
    _pay(database_url)
    shown = _fundline_ledger(database_url, "trial-balance")
    assert shown.exit_code == 0
    assert shown.stdout.splitlines() == [
        "account                kind         debits   credits    balance  currency",
        "disbursement_clearing  asset       1000000         0    1000000  JPY",
        "lender_funding         liability         0   1000000   -1000000  JPY",
        "borrower_receivable    asset      50000.00      0.00   50000.00  USD",
        "disbursement_clearing  asset      50000.00  50000.00       0.00  USD",
        "lender_funding         liability      0.00  50000.00  -50000.00  USD",
    ]


def test_the_trial_balance_is_also_one_json_object_as_of_a_moment(database_url):
    _pay(database_url)
    shown = _fundline_ledger(database_url, "trial-balance", "--json", "--at", "2026-11-24T09:59:59+00:00")
    assert json.loads(shown.stdout) == {
        "at": "2026-11-24T09:59:59.000000Z",
        "balanced": True,
        "accounts": [],
        "outOfBalance": {},
    }
    now = json.loads(_fundline_ledger(database_url, "trial-balance", "--json").stdout)
    assert now["accounts"][0] == {
        "account": "disbursement_clearing",
        "kind": "asset",
        "currency": "JPY",
        "debits": "1000000",
        "credits": "0",
        "balance": "1000000",
    }


def test_an_account_is_shown_with_the_balance_after_each_posting(database_url):
    _pay(database_url)
    shown = json.loads(_fundline_ledger(database_url, "account", "disbursement_clearing", "--json").stdout)
    told = [(e["purpose"], e["amount"], e["currency"], e["balance"]) for e in shown["entries"]]
    assert told == [
        ("payment_submitted", "1000000", "JPY", "1000000"),
        ("payment_settled", "-50000.00", "USD", "0.00"),
        ("payment_submitted", "50000.00", "USD", "50000.00"),
    ]
    people = _fundline_ledger(database_url, "account", "disbursement_clearing", "--limit", "1").stdout
    assert [line.split()[-3:] for line in people.splitlines()] == [
        ["amount", "balance", "currency"],
        ["1000000", "1000000", "JPY"],
    ]


def test_an_account_that_does_not_exist_is_answered_with_those_that_do(database_url):
    with pytest.raises(CommandFailed, match="it has borrower_receivable, disbursement_clearing, fee_income"):
        raise _fundline_ledger(database_url, "account", "petty_cash").exception


def test_verify_says_that_the_books_hold(database_url):
    _pay(database_url)
    shown = _fundline_ledger(database_url, "verify")
    assert (shown.exit_code, shown.stdout) == (0, "The books hold.\n")


@pytest.mark.breaks_the_books("the books are forged on purpose")
def test_verify_exits_with_1_and_says_what_does_not_hold(database_url):
    _pay(
        database_url,
        forge="update disbursements set state = 'failed', failure_code = 'x' where currency = 'USD'",
    )
    shown = _fundline_ledger(database_url, "verify", "--json")
    assert shown.exit_code == 1
    answer = json.loads(shown.stdout)
    assert (answer["holds"], [p["check"] for p in answer["problems"]]) == (False, ["payments_are_in_place"])


def test_a_time_that_is_none_is_refused_with_a_sentence(database_url):
    with pytest.raises(CommandFailed, match="write it like"):
        raise _fundline_ledger(database_url, "verify", "--at", "yesterday").exception
