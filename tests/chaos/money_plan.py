"""What one seed of the money scenario does: who applies, which faults the bank shows, what is killed and when.

Pure: the same seed gives the same plan. A kill is tied to something that a process says in its log, so that it comes
around the bank call and not at a random moment of a run that mostly waits.
"""

import random
from dataclasses import dataclass
from typing import Any

from schwifty import IBAN

from fundline.demo.journey import PlannedApplication
from support.applications import application

APPLICATIONS = 8
CURRENCIES = ("USD", "EUR")
PAID, CLOSED = "4567", "0002"
"""How an account ends that is paid, and one that the bank says is closed."""

TELLER = "teller"
"""The instance that said what triggers the kill."""
WORKER = "disbursement-worker"
VICTIMS = (
    # victim, weight
    (TELLER, 10),
    (WORKER, 4),
    ("bank-sandbox", 5),
    ("event-router", 2),
    ("application-events", 1),
    ("postgres", 2),
    ("kafka", 1),
)
TRIGGERS = ("disbursement.requested", "payment.submitted", "bank.payment_settled", "payment.settled")
"""Log events, in the order in which one payment causes them."""
LATEST_DELAY_MS = 400
FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "slow", "delayMs": 300},
    {"kind": "slow", "operation": "find", "delayMs": 300},
    {"kind": "timeout-before"},
    {"kind": "timeout-before", "operation": "find"},
    {"kind": "timeout-after"},
    {"kind": "reset-before"},
    {"kind": "reset-after"},
    {"kind": "reset-after", "operation": "find"},
    {"kind": "error-before", "status": 503},
    {"kind": "error-after", "status": 500},
    {"kind": "nonsense"},
    {"kind": "outage"},
    {"kind": "rate-limit"},
    {"kind": "closed"},
    {"kind": "settle-later", "delayMs": 500},
    {"kind": "return-later", "delayMs": 500, "code": "account_closed"},
    {"kind": "duplicate-webhook"},
    {"kind": "forget", "operation": "find"},
    {"kind": "decline", "code": "limit_exceeded"},
)
"""Rules of the sandbox bank, each shown a few times in a run."""
MOST_FAULTS, MOST_TIMES = 3, 4


@dataclass(frozen=True, slots=True)
class PlannedKill:
    """At the `nth` time that `trigger` is logged in this run, counted from 1, and `delay_ms` later."""

    trigger: str
    nth: int
    delay_ms: int
    victim: str


@dataclass(frozen=True, slots=True)
class MoneyPlan:
    """`faults` are rules of the sandbox bank's administration."""

    seed: int
    applications: tuple[PlannedApplication, ...]
    faults: tuple[dict[str, Any], ...]
    kills: tuple[PlannedKill, ...]


def money_plan(seed: int, run: str) -> MoneyPlan:
    """`run` stands in subjects and keys, so that two runs of one seed never meet."""
    dice = random.Random(f"money:{seed}")
    return MoneyPlan(seed, _applications(dice, run), _faults(dice, seed), _kills(dice))


def _applications(dice: random.Random, run: str) -> tuple[PlannedApplication, ...]:
    return tuple(
        PlannedApplication(f"{run}-{number}", _body(dice, f"{run} {number}"), f"{run}-{number}")
        for number in range(APPLICATIONS)
    )


def _body(dice: random.Random, name: str) -> dict[str, Any]:
    """Sound, so that it comes to the bank; one in six has an account that the bank declines.

    Applicant, business and account are its own, so that nothing counts together with it.
    """
    currency = dice.choice(CURRENCIES)
    changes = {
        "amount": f"{dice.randrange(10_000, 70_000)}.{dice.randrange(100):02d}",
        "currency": currency,
        "payoutAccount": _account(name, currency, CLOSED if dice.random() < 1 / 6 else PAID),
        "business.legalName": f"Bakery {name} LLC",
    }
    return application(**changes)


def _account(name: str, currency: str, ending: str) -> dict[str, str]:
    """By the applicant's name, so that two runs of one seed have others. A British bank: Germany's check the digits."""
    number = f"{random.Random(name).randrange(10**3, 10**4)}{ending}"
    if currency == "USD":
        return {"type": "us", "routingNumber": "021000021", "accountNumber": number}
    return {
        "type": "iban",
        "iban": str(IBAN.generate("GB", bank_code="NWBK", branch_code="601613", account_code=number)),
    }


def _faults(dice: random.Random, seed: int) -> tuple[dict[str, Any], ...]:
    """None in one run of six: then only the kills matter."""
    if dice.random() < 1 / 6:
        return ()
    chosen = dice.sample(FAULTS, dice.randint(1, MOST_FAULTS))
    return tuple(
        rule
        | {
            "seed": seed,
            "probability": dice.choice((0.5, 1.0)),
            "times": dice.randint(1, MOST_TIMES),
        }
        for rule in chosen
    )


def _kills(dice: random.Random) -> tuple[PlannedKill, ...]:
    names, weights = zip(*VICTIMS, strict=True)
    return tuple(
        PlannedKill(
            dice.choice(TRIGGERS),
            dice.randint(1, APPLICATIONS // 2),
            dice.choice((0, 0, dice.randrange(LATEST_DELAY_MS))),
            dice.choices(names, weights)[0],
        )
        for _ in range(dice.choice((1, 1, 2)))
    )
