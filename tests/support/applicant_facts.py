"""Applicants for tests of the risk domain: one sound business, and every business one can think of; what was made of
them: scores and simulated cash flows."""

from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from fundline.domain.decision import Decision, decide
from fundline.domain.exposure import NOTHING_ELSE
from fundline.domain.facts import ApplicantFacts
from fundline.domain.scoring import CashFlowStress, Contribution, ModelScore

FEATURES = (
    "amount",
    "revolving",
    "employees",
    "business_age",
    "legal_form",
    "franchise",
    "subsector",
    "state",
)


def sound_business(**changes: Any) -> ApplicantFacts:
    """Ten years of trade, coverage well above two, a year of cash: approved by any sane policy."""
    facts: dict[str, Any] = {
        "amount": Decimal("50000.00"),
        "currency": "USD",
        "term_months": 60,
        "purpose": "equipment",
        "revolving": False,
        "naics": "541330",
        "state": "OR",
        "state_known": True,
        "sector_volatility": Decimal("0.1974"),
        "business_age": "existing",
        "legal_form": "llc",
        "employees": 12,
        "franchise": False,
        "location": "urban",
        "annual_revenue": Decimal("600000.00"),
        "operating_margin": Decimal("0.1200"),
        "monthly_debt_service": Decimal("1200.00"),
        "cash_at_bank": Decimal("40000.00"),
        "jobs_created": 2,
        "jobs_kept": 10,
    }
    return ApplicantFacts(**(facts | changes))


def model_score_of(probability: str, *, version: str = "scorecard-2", **log_odds: str) -> ModelScore:
    """An answer at a base rate of a quarter; contributions by feature name, zero where none is given."""
    return ModelScore(
        version=version,
        probability=Decimal(probability),
        base_rate=Decimal("0.2500"),
        base=Decimal("-1.0986"),
        contributions=tuple(
            Contribution(name, "something", Decimal(log_odds.get(name, "0"))) for name in FEATURES
        ),
    )


def stress_of_share(shortfall_probability: str) -> CashFlowStress:
    return CashFlowStress(Decimal(shortfall_probability), 20_000, 60, 4711, "cash-flow-1")


GOOD_SCORE = model_score_of("0.1500")
CALM = stress_of_share("0.0100")


def _money(least: str = "0") -> st.SearchStrategy[Decimal]:
    return st.decimals(min_value=least, max_value="1000000000", places=2)


def _probabilities() -> st.SearchStrategy[Decimal]:
    return st.decimals(min_value="0", max_value="1", places=4)


def scores() -> st.SearchStrategy[ModelScore]:
    contributions = st.lists(
        st.decimals(min_value="-3", max_value="3", places=4),
        min_size=len(FEATURES),
        max_size=len(FEATURES),
    ).map(
        lambda figures: tuple(
            Contribution(name, "x", figure) for name, figure in zip(FEATURES, figures, strict=True)
        )
    )
    return st.builds(
        ModelScore,
        version=st.sampled_from(["scorecard-2", "lightgbm-1"]),
        probability=_probabilities(),
        base_rate=st.decimals(min_value="0.0100", max_value="0.9900", places=4),
        base=st.just(Decimal("-1.0000")),
        contributions=contributions,
    )


def stresses() -> st.SearchStrategy[CashFlowStress]:
    return st.builds(
        CashFlowStress,
        shortfall_probability=_probabilities(),
        paths=st.just(20_000),
        months=st.just(60),
        seed=st.just(1),
        method=st.just("cash-flow-1"),
    )


def businesses(*, complete: bool = False) -> st.SearchStrategy[ApplicantFacts]:
    def figure(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        return values if complete else st.none() | values

    strange = [] if complete else ["martian"]
    forms = ["sole_proprietorship", "partnership", "llc", "corporation", "other", *strange]
    return st.builds(
        ApplicantFacts,
        amount=st.sampled_from([Decimal(5000), Decimal(50_000)]) | _money("0.01"),
        currency=st.sampled_from(["USD", "EUR", "GBP", "JPY", *([] if complete else ["XAU"])]),
        term_months=st.integers(1, 360),
        purpose=st.sampled_from(["working_capital", "real_estate", "startup"]),
        revolving=st.booleans(),
        naics=st.sampled_from(["541330", "722410", "23"]),
        state=st.sampled_from(["OR", "CA"]),
        state_known=st.just(complete) | st.just(value=True),
        sector_volatility=figure(st.decimals(min_value="0.01", max_value="4", places=4)),
        business_age=st.sampled_from(["new", "existing", *strange]),
        legal_form=st.sampled_from(forms),
        employees=st.integers(0, 10_000),
        franchise=st.booleans(),
        location=st.sampled_from(["urban", "rural", *strange]),
        annual_revenue=figure(_money()),
        operating_margin=figure(st.decimals(min_value="-1", max_value="1", places=4)),
        monthly_debt_service=figure(st.sampled_from([Decimal(0), Decimal(500)]) | _money()),
        cash_at_bank=figure(_money()),
        jobs_created=st.none() | st.integers(0, 1000),
        jobs_kept=st.none() | st.integers(0, 1000),
    )


def decide_alone(facts: ApplicantFacts, **how: Any) -> Decision:
    """Of an application with which no other one has anything in common, unless `how` says otherwise."""
    return decide(facts, **({"exposure": NOTHING_ELSE} | how))
