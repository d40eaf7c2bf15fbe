"""What may be asked for: bounds per currency, in minor units. A rule of the product, not of one request."""

from fundline.domain.money import Money

SMALLEST_AND_LARGEST: dict[str, tuple[int, int]] = {
    "USD": (1_000_00, 5_000_000_00),
    "EUR": (1_000_00, 5_000_000_00),
    "GBP": (1_000_00, 4_000_000_00),
    "JPY": (150_000, 750_000_000),
}
LARGEST_FIGURE_MINOR = 10**15
"""Revenue, debt service and cash above this are typing errors."""


def amount_out_of_bounds(amount: Money) -> str | None:
    """A sentence, or None when the amount is within the product's bounds."""
    smallest, largest = SMALLEST_AND_LARGEST[amount.currency]
    if smallest <= amount.amount_minor <= largest:
        return None
    low, high = Money(smallest, amount.currency).text(), Money(largest, amount.currency).text()
    return f"Fundline lends from {low} to {high} {amount.currency}."
