"""`fundline bank` against the bank as it runs in the fleet."""

import asyncio
import json
import os
import uuid

import httpx
import pytest

from support import command
from support.bank import BankProcess

pytestmark = pytest.mark.integration

ORDER = {
    "amount": "1200.50",
    "currency": "USD",
    "payee": {"type": "us", "routingNumber": "021000021", "accountNumber": "998877665544"},
    "reference": "a loan",
}

ADD = ["faults", "add", "decline", "--code", "no_funds", "--payee-ending", "5544", "--times", "1"]


@pytest.fixture(scope="module")
def bank(tmp_path_factory):
    process = BankProcess(tmp_path_factory.mktemp("bank") / "bank.sqlite")
    asyncio.run(process.start())
    yield process
    process.kill()


def fundline(bank, *arguments, status=0):
    done = command.fundline("bank", *arguments, environment={**os.environ, "FUNDLINE_BANK_URL": bank.url})
    assert done.returncode == status, done.stderr
    return done.stdout if status == 0 else done.stderr


def pay(bank, payment_id):
    return httpx.post(
        f"{bank.url}/v1/payments", json=ORDER, headers={"idempotency-key": payment_id}, timeout=10
    )


def test_a_fault_is_added_strikes_is_listed_and_cleared(bank):
    made = json.loads(
        fundline(
            bank,
            "faults",
            "add",
            "decline",
            "--code",
            "no_funds",
            "--payee-ending",
            "5544",
            "--times",
            "1",
            "--json",
        )
    )
    assert (made["kind"], made["match"], made["hits"]) == ("decline", {"payeeEnding": "5544"}, 0)
    payment_id = str(uuid.uuid4())
    assert pay(bank, payment_id).json()["code"] == "no_funds"
    assert "hits 1 of 1" in fundline(bank, "faults", "list")
    assert fundline(bank, "payment", payment_id) == f"{payment_id}  declined  no_funds\n"
    assert fundline(bank, "faults", "clear") == "Cleared 1.\n"
    assert json.loads(fundline(bank, "faults", "list", "--json")) == {"faults": []}


def test_the_statement_shows_every_outcome_and_what_was_paid(bank):
    payment_id = str(uuid.uuid4())
    transaction_id = pay(bank, payment_id).json()["transactionId"]
    shown = fundline(bank, "statement")
    assert f"{payment_id}  settled" in shown
    assert transaction_id in shown
    assert "paid " in shown.splitlines()[-1]
    lines = json.loads(fundline(bank, "statement", "--json"))["payments"]
    assert payment_id in {line["paymentId"] for line in lines}


def test_what_the_bank_refuses_is_said_in_its_sentence(bank):
    assert "No order with this payment id" in fundline(bank, "payment", str(uuid.uuid4()), status=1)
    assert "needs delayMs" in fundline(bank, "faults", "add", "slow", status=1)
    assert "list the faults" in fundline(bank, "faults", "clear", "999", status=1)
