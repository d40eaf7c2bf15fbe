"""What is measured of payments."""

from fundline.platform.telemetry.metrics import MetricSet, NewMetrics


class PaymentMetrics(MetricSet):
    def __init__(self, new: NewMetrics) -> None:
        self.bank_events = new.counter(
            "bank_events",
            "Webhooks of the bank by result (recorded, repeated, contradicted, held, not_ours, refused).",
            "result",
        )
        self.payments_unfinished = new.gauge(
            "payments_unfinished", "Payments without a final result, by state.", "state"
        )
        self.payments_unfunded = new.gauge(
            "payments_unfunded", "Payments that wait because the lender has committed no more.", "currency"
        )
        self.payments_halted = new.gauge(
            "payments_halted", "1 while the flag `payments` holds all payments back."
        )
        self.payments_escalated = new.counter(
            "payments_escalated", "Payments without a result for so long that a person must look."
        )
        self.payments_contradicted = new.counter(
            "payments_contradicted", "Results of the bank that contradict what is on record."
        )
        self.payments_returned = new.counter("payments_returned", "Settled payments that came back.")
