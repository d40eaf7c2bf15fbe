"""What is measured of models and of requests to them."""

from fundline.platform.telemetry.metrics import MetricSet, NewMetrics


class ModelMetrics(MetricSet):
    def __init__(self, new: NewMetrics) -> None:
        self.model_inference_s = new.seconds(
            "model_inference", "Time the model service computed on one request, by version.", "version"
        )
        self.model_queue_depth = new.gauge(
            "model_queue_depth", "Requests that wait in the model service for a thread."
        )
        self.model_requests = new.counter(
            "model_requests",
            "Inference requests by version and result (ok, refused, queue_full, expired, gone, failed).",
            "version",
            "result",
        )
        self.model_loads = new.counter(
            "model_loads",
            "Changes in the models' folder by result (loaded, refused, removed).",
            "version",
            "result",
        )
