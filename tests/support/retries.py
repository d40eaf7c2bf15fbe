"""A retry budget after quiet times."""

from fundline.platform.resilience import RetryBudget


def saved_up(*, burst: int = 5) -> RetryBudget:
    """As much as it can save."""
    budget = RetryBudget(burst=burst)
    for _ in range(1000):
        budget.earn()
    return budget
