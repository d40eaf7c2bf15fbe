"""What is measured of a bank."""

from fundline.platform.telemetry.metrics import MetricSet, NewMetrics


class BankMetrics(MetricSet):
    def __init__(self, new: NewMetrics) -> None:
        self.bank_calls = new.counter("bank_calls", "Calls to the bank by result.", "operation", "result")
