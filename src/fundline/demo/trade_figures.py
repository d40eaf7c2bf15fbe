"""Typical figures of a small business by sector, from which the demo derives what the real loans do not tell.

Round numbers of our own, in the order of magnitude of the US Census Bureau's Statistics of US Businesses 2017
(receipts per employee of firms under 20 employees), brought back to the dollars of 1997 to 2005 in which the
loans were made, and of the Internal Revenue Service's sole proprietorship returns (net income over receipts),
about half of which the owner lives on. They make plausible applications; they are not evidence of anything.
"""

from typing import NamedTuple


class TradeFigures(NamedTuple):
    """Yearly revenue per employee in whole US dollars; operating margin after the owner's pay and before
    debt service, as a fraction; a trade word."""

    revenue_per_employee: int
    operating_margin: float
    trade: str


TRADE_FIGURES: dict[str, TradeFigures] = {
    "11": TradeFigures(90_000, 0.09, "Growers"),
    "21": TradeFigures(210_000, 0.10, "Quarries"),
    "22": TradeFigures(230_000, 0.09, "Water Works"),
    "23": TradeFigures(115_000, 0.08, "Builders"),
    "31": TradeFigures(105_000, 0.07, "Foods"),
    "32": TradeFigures(125_000, 0.07, "Print Works"),
    "33": TradeFigures(115_000, 0.08, "Metal Works"),
    "42": TradeFigures(275_000, 0.04, "Supply"),
    "44": TradeFigures(155_000, 0.05, "Stores"),
    "45": TradeFigures(125_000, 0.05, "Goods"),
    "48": TradeFigures(100_000, 0.08, "Haulage"),
    "49": TradeFigures(80_000, 0.07, "Couriers"),
    "51": TradeFigures(125_000, 0.09, "Media"),
    "52": TradeFigures(115_000, 0.12, "Finance"),
    "53": TradeFigures(125_000, 0.13, "Properties"),
    "54": TradeFigures(90_000, 0.12, "Consulting"),
    "55": TradeFigures(130_000, 0.10, "Holdings"),
    "56": TradeFigures(60_000, 0.09, "Services"),
    "61": TradeFigures(50_000, 0.09, "Academy"),
    "62": TradeFigures(70_000, 0.11, "Clinic"),
    "71": TradeFigures(65_000, 0.08, "Arts"),
    "72": TradeFigures(45_000, 0.07, "Kitchen"),
    "81": TradeFigures(60_000, 0.09, "Workshop"),
    "92": TradeFigures(80_000, 0.06, "Civic Services"),
}
