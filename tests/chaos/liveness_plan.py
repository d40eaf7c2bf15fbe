"""What one seed of the liveness scenario does to a running stack, and when. Pure: the same seed gives the same plan."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from fundline.contracts.topics import every_topic
from fundline.demo.journey import PlannedApplication
from fundline.stack.fleet import BANK, FLEET, GATEWAY, KAFKA, POSTGRES, VALKEY
from support.applications import application

APPLICATIONS, RATE = 40, 4.0
ACCOUNT = {"type": "us", "routingNumber": "021000021"}
BODIES = ("{", "null", '"text"', "[[[[[[[[[[", "\x00\x00", '{"applicationId":"\\u0000"}', "9" * 5000)
TIMES = ("9999-12-31T23:59:59+14:00", "0001-01-01T00:00:00-14:00", "soon", "")
TABLES = (
    "applications", "application_status_history", "outbox", "inbox", "idempotency_keys", "disbursements",
    "ledger_postings", "notifications", "risk_assessments", "audit_entries", "audit_streams", "dead_letters",
)  # fmt: skip
ENGINES = (KAFKA, POSTGRES, VALKEY)
SERVICES = tuple(name for process in FLEET for name in process.instance_names())


@dataclass(frozen=True, slots=True)
class Deed:
    """`kind` to `what` (an instance, an engine, a table, a topic, a folder), `at_s` from the start, for `lasts_s`."""

    kind: str
    what: str
    at_s: float
    lasts_s: float = 0.0
    times: int = 1
    """So often, a pause of the same length between two."""
    text: str = ""
    """Of a poison message: its body; of a clock: how far it is off."""

    def __str__(self) -> str:
        lasts = f" {self.lasts_s:.1f} s" if self.lasts_s else ""
        times = f" x{self.times}" if self.times > 1 else ""
        return f"{self.kind} {self.what}{lasts}{times} at {self.at_s:.1f} s"


@dataclass(frozen=True, slots=True)
class LivenessPlan:
    seed: int
    applications: tuple[PlannedApplication, ...]
    deeds: tuple[Deed, ...]


def liveness_plan(seed: int, run: str) -> LivenessPlan:
    """`run` stands in subjects and keys, so that two runs of one seed never meet."""
    dice = random.Random(f"liveness:{seed}")
    planned = tuple(
        PlannedApplication(
            f"{run}-{number}",  # applicant, business and account are its own: nothing counts together
            application(
                amount=f"{dice.randrange(10_000, 70_000)}.00",
                payoutAccount=ACCOUNT | {"accountNumber": f"{dice.randrange(10**8, 10**9)}{number:03d}771"},
                **{"business.legalName": f"Bakery {run} {number} LLC"},
            ),
            f"{run}-{number}",
        )
        for number in range(APPLICATIONS)
    )
    # each seed begins with another kind, so that twenty seeds show each one
    names = list(KINDS)
    chosen = [names[seed % len(names)], *dice.sample(names, dice.choice((1, 1, 2)))]
    return LivenessPlan(seed, planned, tuple(KINDS[name](dice) for name in chosen))


def _at(dice: random.Random) -> float:
    return round(dice.uniform(0.5, APPLICATIONS / RATE * 0.8), 1)


def _pause(dice: random.Random) -> Deed:
    """An engine stands still and goes on."""
    return Deed("pause", dice.choice(ENGINES), _at(dice), lasts_s=4.0, times=dice.choice((1, 2, 3)))


def _freeze(dice: random.Random) -> Deed:
    return Deed("freeze", dice.choice(SERVICES), _at(dice), lasts_s=dice.choice((3.0, 8.0, 15.0)))


def _kill(dice: random.Random) -> Deed:
    return Deed("kill", dice.choice((*SERVICES, *ENGINES, GATEWAY)), _at(dice))


def _terminate(dice: random.Random) -> Deed:
    return Deed("terminate", dice.choice(SERVICES), _at(dice))


def _lock(dice: random.Random) -> Deed:
    return Deed("lock", dice.choice(TABLES), _at(dice), lasts_s=dice.choice((2.0, 5.0, 12.0)))


def _fill(dice: random.Random) -> Deed:
    """The disk under everything but PostgreSQL's data: logs, Kafka, cache, bank, anchors, the runner's state."""
    return Deed("fill", "disk", _at(dice), lasts_s=4.0)


def _poison(dice: random.Random) -> Deed:
    topic = dice.choice([name for topic in every_topic() for name in (topic.name, *topic.all_names())])
    return Deed("poison", topic, _at(dice), text=dice.choice((*BODIES, *TIMES)))


def _clock(dice: random.Random) -> Deed:
    may = [name for name in SERVICES if not name.startswith((BANK, "mail-sink", "model-service"))]
    return Deed("clock", dice.choice(may), _at(dice), lasts_s=8.0, text=dice.choice(("+3600", "-3600")))


def _starve(dice: random.Random) -> Deed:
    """Busy loops beside the stack."""
    return Deed("starve", "processor", _at(dice), lasts_s=6.0, times=1)


KINDS: dict[str, Callable[[random.Random], Deed]] = {
    "pause": _pause,
    "freeze": _freeze,
    "kill": _kill,
    "terminate": _terminate,
    "lock": _lock,
    "fill": _fill,
    "poison": _poison,
    "clock": _clock,
    "starve": _starve,
}
