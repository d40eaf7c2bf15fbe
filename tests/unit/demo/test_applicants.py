import csv
import json
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from schwifty import IBAN

from fundline.demo.applicants import UnusableLoan, derive_application, sample_loans
from fundline.demo.trade_figures import TRADE_FIGURES
from fundline.domain.decision import decide
from fundline.domain.exposure import NOTHING_ELSE
from fundline.domain.money import Money
from fundline.domain.policy import POLICY_2
from fundline.risk.artefact import MODELS_DIRECTORY, load_model
from fundline.risk.evidence import stress_of
from fundline.risk.features import features_of_application
from fundline.risk.model import model_score
from support.facts_of import facts_of

REFERENCE = Path(__file__).parents[3] / "migrations" / "reference"
SEED = 1
LOANS = sample_loans()
APPLICATIONS = [derive_application(loan, SEED) for loan in LOANS]


def _column(table: str, key: str, column: str) -> dict[str, str]:
    with (REFERENCE / f"{table}.csv").open(newline="") as lines:
        return {row[key]: row[column] for row in csv.DictReader(lines)}


SECTORS = _column("sectors", "sector_code", "name")
STATES = _column("states", "state_code", "name")
VOLATILITY = _column("sector_volatility", "sector_code", "revenue_volatility")
SCORECARD = load_model(MODELS_DIRECTORY / "scorecard-2")


def _status(number: int, body: dict[str, Any]) -> str:
    """As the risk worker decides it, with fewer simulated futures."""
    facts = facts_of(body, sector_volatility=VOLATILITY[body["business"]["naics"][:2]])
    features = features_of_application(facts)
    (answer,) = SCORECARD.answer([features])
    score = model_score(SCORECARD.version, SCORECARD.base_rate, answer, features)
    stress = stress_of(facts, POLICY_2, seed=number, paths=1000)
    return decide(facts, score=score, stress=stress, exposure=NOTHING_ELSE).status


def test_the_sample_holds_four_hundred_loans_and_no_outcome():
    assert len(LOANS) == len({loan["row"] for loan in LOANS}) == 400
    assert not [column for column in LOANS[0] if column.startswith("outcome") or "term" in column]


def test_the_same_row_and_seed_give_the_same_application():
    assert [derive_application(loan, SEED) for loan in LOANS] == APPLICATIONS
    assert derive_application(LOANS[0], SEED + 1)["figures"] != APPLICATIONS[0]["figures"]


def test_what_is_real_is_taken_over_unchanged():
    for loan, body in zip(LOANS, APPLICATIONS, strict=True):
        business = body["business"]
        assert Decimal(body["amount"]) == Decimal(loan["amount_approved"])
        assert (business["naics"], business["state"]) == (loan["naics"], loan["state"])
        assert business["age"] == loan["new_business"]
        assert business["employees"] == int(loan["employees"])


def test_an_outcome_in_the_row_changes_nothing():
    failed = {**LOANS[0], "outcome_default": "1"}
    assert derive_application(failed, SEED) == APPLICATIONS[0]


def test_every_application_is_json_with_valid_amounts():
    for body in APPLICATIONS:
        assert json.loads(json.dumps(body)) == body
        amounts = [body["figures"][name] for name in ("annualRevenue", "monthlyDebtService", "cashAtBank")]
        for amount in (body["amount"], *amounts):
            assert Money.parse(amount, body["currency"]).text() == amount


def test_every_sector_and_state_of_the_sample_is_in_the_reference_tables():
    assert all(body["business"]["naics"][:2] in SECTORS for body in APPLICATIONS)
    assert all(body["business"]["state"] in STATES for body in APPLICATIONS)
    assert set(TRADE_FIGURES) == set(SECTORS)


def test_payout_accounts_have_correct_check_digits():
    kinds = Counter(body["payoutAccount"]["type"] for body in APPLICATIONS)
    assert kinds["us"] > 0
    assert kinds["iban"] > 0
    for account in (body["payoutAccount"] for body in APPLICATIONS):
        if account["type"] == "iban":
            assert IBAN(account["iban"], validate_bban=True)
        else:
            digits = [int(digit) for digit in account["routingNumber"]]
            assert len(digits) == 9
            assert sum(d * weight for d, weight in zip(digits, (3, 7, 1) * 3, strict=True)) % 10 == 0


@pytest.mark.parametrize("change", [{"naics": "0"}, {"new_business": "unknown"}])
def test_a_loan_that_lacks_what_every_application_needs_is_refused(change: dict[str, str]):
    with pytest.raises(UnusableLoan, match="no known sector or business age"):
        derive_application({**LOANS[0], **change}, SEED)


def test_the_policy_approves_most_rejects_some_and_leaves_the_middle_to_a_person():
    shares = Counter(_status(number, body) for number, body in enumerate(APPLICATIONS))
    assert 0.45 <= shares["approved"] / 400 <= 0.70
    assert 0.15 <= shares["rejected"] / 400 <= 0.25
    assert 0.10 <= shares["pending_review"] / 400 <= 0.25
