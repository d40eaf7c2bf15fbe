"""What is measured of decisions and of the models behind them."""

from fundline.platform.telemetry.metrics import MetricSet, NewMetrics


class ScoringMetrics(MetricSet):
    def __init__(self, new: NewMetrics) -> None:
        self.scoring_s = new.seconds(
            "scoring", "Time to judge one application: models, simulation, policy; without the database."
        )
        self.model_choices = new.counter(
            "model_choices",
            "Applications given to a model, by its role and why it was chosen.",
            "model",
            "role",
            "reason",
        )
        self.model_decisions = new.counter(
            "model_decisions", "Decisions by the model that was asked.", "model", "verdict"
        )
        self.model_trips = new.counter(
            "model_trips", "Challengers that the guardrail switched off.", "model", "cause"
        )
        self.guardrail_leader = new.gauge(
            "guardrail_leader", "1 on the risk worker that watches the challenger."
        )
        self.model_calls = new.counter(
            "model_calls",
            "Calls to the model service by version and result (ok, not_sent, unanswered, bad_answer, refused, "
            "cancelled, failed, rejected_by_breaker).",
            "version",
            "result",
        )
