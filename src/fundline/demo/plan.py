"""What a run submits: decided before it starts, the same for the same seed."""

import random
from collections.abc import Sequence

from fundline.demo.applicants import derive_application, sample_loans
from fundline.demo.journey import PlannedApplication

WHAT_IS_REAL = (
    "Amount, product, state, sector, age of the business, employees, franchise and jobs are those of real loans "
    "(US Small Business Administration, public domain); revenue, margin, debt service, cash, purpose, term and "
    "currency are derived from them with seed {seed}: each run with this seed submits the same applications in the "
    "same order. Names and accounts are invented for the run: each application has an applicant, a business and an "
    "account of its own, so that none counts together with another."
)


def plan_applications(count: int, seed: int, run: str) -> list[PlannedApplication]:
    """`run` is unique to this run and stands in subjects and keys, so that no other run's keys can meet them.

    Beyond the sample's rows it starts over with the next seed, so that no two applications are the same.
    """
    loans = sample_loans()
    random.Random(seed).shuffle(loans)
    applicants = subjects(count, run)
    return [
        PlannedApplication(
            applicants[number],
            derive_application(
                loans[number % len(loans)], seed + number // len(loans), f"-{run}-{number // len(loans)}"
            ),
            f"demo-{run}-{number:05d}",
        )
        for number in range(count)
    ]


def subjects(count: int, run: str) -> Sequence[str]:
    """Who applies: a token's subject for each application."""
    return [f"demo-{run}-applicant-{number:03d}" for number in range(1, count + 1)]
