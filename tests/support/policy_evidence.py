"""The kept evidence of each policy version: decisions as they were frozen on the day the version was new.

`PYTHONPATH=tests python -m support.policy_evidence policy-4` writes the file of a new version. It is written once: a
file that changes afterwards hides that an old decision no longer replays.
"""

import hashlib
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson

from fundline.domain.exposure import NOTHING_ELSE, Exposure
from fundline.domain.facts import ApplicantFacts
from fundline.domain.policy import POLICIES, Policy
from fundline.domain.rules import ExposureTogether
from fundline.risk.cashflow import seed_of
from fundline.risk.evidence import Inputs, stress_of, to_json
from fundline.risk.features import FeatureError, features_of_application
from fundline.risk.model import model_score
from support.applicant_facts import sound_business
from support.scoring import CHALLENGER, CHAMPION, PATHS, packaged_model

FILES = Path(__file__).parents[1] / "fixtures" / "policy_evidence"
APPLICATION = UUID("0192f0c1-2345-7abc-8def-0123456789ab")
MODELS = {version: packaged_model(version) for version in (CHAMPION, CHALLENGER)}

MISSING: tuple[dict[str, Any], ...] = (
    {"annual_revenue": None},
    {"operating_margin": None},
    {"monthly_debt_service": None},
    {"cash_at_bank": None},
    {"sector_volatility": None},
    {"state_known": False, "state": "XX"},
    {"business_age": "unknown"},
    {"legal_form": "guild"},
    {"location": "orbit"},
    {"employees": 10_000_000},
    {"annual_revenue": None, "operating_margin": None, "monthly_debt_service": None, "cash_at_bank": None},
)
FIGURES: tuple[dict[str, Any], ...] = (
    {},
    {"operating_margin": Decimal("0.0300")},
    {"operating_margin": Decimal("0.0550")},
    {"cash_at_bank": Decimal("500.00")},
    {"cash_at_bank": Decimal("4000.00"), "operating_margin": Decimal("0.0700")},
    {"annual_revenue": Decimal("0.00")},
    {"annual_revenue": Decimal("70000.00"), "operating_margin": Decimal("0.9000")},
    {"annual_revenue": Decimal("45000.00"), "operating_margin": Decimal("0.9000")},
    {"amount": Decimal("400000.00"), "annual_revenue": Decimal("9000000.00"), "cash_at_bank": Decimal("900000.00")},
    {"amount": Decimal("700000.00"), "term_months": 300, "operating_margin": Decimal("0.4000")},
    {"cash_at_bank": Decimal("0.00"), "operating_margin": Decimal("0.0560"), "sector_volatility": Decimal("0.9000")},
    {"cash_at_bank": Decimal("0.00"), "operating_margin": Decimal("0.0900"), "sector_volatility": Decimal("0.9000")},
)  # fmt: skip
RISKS: tuple[dict[str, Any], ...] = (
    {},
    {
        "employees": 10, "state": "NV", "naics": "425110", "legal_form": "corporation", "business_age": "new",
        "term_months": 24,
    },
    {
        "amount": Decimal("10000.00"), "employees": 3, "state": "FL", "naics": "531210",
        "legal_form": "sole_proprietorship", "business_age": "new", "term_months": 12,
    },
    {"purpose": "real_estate", "term_months": 300, "location": "rural"},
    {"currency": "JPY", "amount": Decimal(40_000_000), "annual_revenue": Decimal(900_000_000)},
    {"currency": "XAU", "amount": Decimal("20000.00")},
)  # fmt: skip
HOW: tuple[Mapping[str, Any], ...] = (
    {"version": CHAMPION},
    {"version": CHALLENGER},
    {"version": CHAMPION, "fallback_because": "the model service did not answer"},
    {"version": None, "fallback_because": "timeout", "no_score_because": "timeout"},
    {"version": CHAMPION, "stress": None},
)
_MUCH = {"USD": Decimal("550000.00")}
BESIDE: tuple[Exposure, ...] = (
    Exposure(applicant={"USD": Decimal("200000.00")}),
    Exposure(applicant={"USD": Decimal("200000.01")}),
    Exposure(business={"USD": Decimal("150000.00"), "EUR": Decimal("100000.00")}),
    Exposure(account={"USD": Decimal("50000.00"), "XAU": Decimal("1.00")}),
    Exposure(account={"USD": Decimal("50000.00")}, repeats=1),
    Exposure(applicant=_MUCH, business=_MUCH, account=_MUCH, repeats=11),
)
"""What else is open or paid, for policies that ask."""


def evidence_of(facts: ApplicantFacts, policy: Policy, how: Mapping[str, Any]) -> bytes:
    """As the risk worker freezes it."""
    stress = stress_of(facts, policy, seed=seed_of(APPLICATION), paths=PATHS)
    beside = NOTHING_ELSE if asks_for_exposure(policy) else None
    inputs = Inputs(facts, None, CHAMPION, None, stress, policy.version, exposure=beside)
    changes = {name: value for name, value in how.items() if name != "version"}
    try:
        features = features_of_application(facts)
    except FeatureError as error:
        inputs = replace(inputs, no_score_because=str(error))
    else:
        inputs = replace(inputs, features=features, **changes)
        if how["version"] is not None:
            model = MODELS[how["version"]]
            (answer,) = model.answer([features])
            score = model_score(how["version"], model.base_rate, answer, features, digest=model.digest)
            inputs = replace(inputs, score=score, asked=how["version"])
    return to_json(inputs, inputs.decide({policy.version: policy}))


def asks_for_exposure(policy: Policy) -> bool:
    return any(isinstance(rule, ExposureTogether) for rule in policy.rules)


def candidates(policy: Policy) -> Iterator[bytes]:
    if asks_for_exposure(policy):
        for beside in (NOTHING_ELSE, *BESIDE, None):
            yield evidence_of(sound_business(), policy, {"version": CHAMPION, "exposure": beside})
    for figures, risk, how in product((*FIGURES, *MISSING), RISKS, HOW):
        yield evidence_of(sound_business(**(risk | figures)), policy, how)


def telling(policy: Policy) -> Iterator[bytes]:
    """Those that show what none before them showed: a rule's verdict with its reason, or the reasons of a decision."""
    seen: set[Any] = set()
    for evidence in candidates(policy):
        content = orjson.loads(evidence)
        decision = content["decision"]
        shows = {(rule["rule"], rule["verdict"], rule["reason"]) for rule in content["rules"]}
        shows.add((decision["status"], *decision["reasons"]))
        if not shows <= seen:
            seen |= shows
            yield evidence


@dataclass(frozen=True, slots=True)
class Kept:
    evidence: str
    sha256: str


def kept(version: str) -> list[Kept]:
    lines = (FILES / f"{version}.jsonl").read_bytes().splitlines()
    return [Kept(**orjson.loads(line)) for line in lines]


def write(version: str) -> Path:
    """One line per decision: the SHA-256 of the frozen evidence, and the evidence."""
    path = FILES / f"{version}.jsonl"
    lines = [
        orjson.dumps({"sha256": hashlib.sha256(evidence).hexdigest(), "evidence": evidence.decode()})
        for evidence in telling(POLICIES[version])
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


if __name__ == "__main__":
    sys.stdout.write(f"{write(sys.argv[1])}\n")
