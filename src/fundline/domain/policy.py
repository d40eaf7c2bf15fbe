"""Lending policies: which rules decide, in which order, with which thresholds.

A policy is data with a version. Another threshold, one rule more, one less or another order is a new version beside the
old one: versions stay in POLICIES for as long as their decisions are replayed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from fundline.domain.money import MINOR_UNITS
from fundline.domain.repayment import CENT
from fundline.domain.rules import (
    AmountToRevenue,
    AutomaticAmount,
    CashRunway,
    CompleteFacts,
    Coverage,
    ExposureTogether,
    LikelyRepeat,
    ModelAvailable,
    ProbabilityOfDefault,
    RiskCombined,
    Rule,
    Stress,
)

FAIL_CLOSED = frozenset({CompleteFacts.name, ModelAvailable.name, Stress.name})
"""No policy goes without these: they refer what is incomplete, unscored or not simulated."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Rates are yearly fractions.

    `annual_rate`: the rate an instalment is worked out at, the median of the 7(a) approvals since 2020.
    `portfolio_default_rate`: today's level, to which a model's probability is corrected: 4.17 % of the 7(a) loans of
    fiscal years 2015 to 2019 were charged off within 60 months, by which time 56.6 % of all charge-offs have happened.
    `has_plain_figures`: an instalment is an amount that can be paid in its currency, so a yen has no hundredths, and a
    ratio of nothing is `0.0000`, never `-0.0000`.
    `rules`: each is asked; their order is the order of the outcomes in the evidence and of the reasons.
    Raises ValueError when two rules share a name or a rule of FAIL_CLOSED is missing.
    """

    version: str
    annual_rate: Decimal
    portfolio_default_rate: Decimal
    rules: tuple[Rule, ...]
    has_plain_figures: bool = False

    def instalment_step(self, currency: str) -> Decimal:
        """The smallest amount that an instalment is made of; hundredths for a currency that we do not lend in."""
        if not self.has_plain_figures or currency not in MINOR_UNITS:
            return CENT
        return Decimal(1).scaleb(-MINOR_UNITS[currency])

    def __post_init__(self) -> None:
        names = [rule.name for rule in self.rules]
        if len(set(names)) != len(names):
            raise ValueError(f"two rules of {self.version} have the same name: {', '.join(sorted(names))}")
        missing = FAIL_CLOSED - set(names)
        if missing:
            raise ValueError(f"{self.version} lacks a rule that no policy goes without: {', '.join(missing)}")


POLICY_2 = Policy(
    version="policy-2",
    annual_rate=Decimal("0.0925"),
    portfolio_default_rate=Decimal("0.0740"),
    rules=(
        CompleteFacts(),
        ModelAvailable(),
        # Under 0.80 the business cannot carry the loan even if its figures are a quarter too low.
        Coverage(reject_below=Decimal("0.80"), approve_from=Decimal("1.25")),
        AmountToRevenue(
            reject_above=Decimal("1.00"),
            approve_up_to=Decimal("0.60"),
            reject_above_by_purpose={"real_estate": Decimal("3.00")},
        ),
        CashRunway(approve_months_from=Decimal("3.00")),
        AutomaticAmount(
            approve_up_to={
                "USD": Decimal(250_000),
                "EUR": Decimal(225_000),
                "GBP": Decimal(200_000),
                "JPY": Decimal(37_500_000),
            }
        ),
        ProbabilityOfDefault(approve_below=Decimal("0.1500")),
        Stress(approve_below=Decimal("0.2500")),
        RiskCombined(reject_probability_from=Decimal("0.1500"), reject_stress_from=Decimal("0.5000")),
    ),
)
APPROVED_TOGETHER_UP_TO: Mapping[str, Decimal] = {
    "USD": Decimal(250_000),
    "EUR": Decimal(225_000),
    "GBP": Decimal(200_000),
    "JPY": Decimal(37_500_000),
}
"""The limit of a single amount: what needs a person in one piece needs a person in twelve."""
POLICY_3 = replace(
    POLICY_2,
    version="policy-3",
    rules=(*POLICY_2.rules, ExposureTogether(APPROVED_TOGETHER_UP_TO), LikelyRepeat(approve_up_to=0)),
    has_plain_figures=True,
)
"""Asks what else is open or paid to the same applicant, business and account, and knows the yen."""
POLICIES: Mapping[str, Policy] = {policy.version: policy for policy in (POLICY_2, POLICY_3)}
CURRENT_POLICY = POLICY_3
"""New decisions are made under this one."""
