"""The HTTP door of the Open Inference Protocol v2.

A refusal is a problem document, as everywhere in Fundline, with the protocol's own `error` member in it: clients of
either kind find their sentence. The path without a version answers for the last version in the order of their names;
workers always name one, because a decision must say which model it rests on.
"""

import importlib.metadata
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fundline.domain.scoring import BadScore
from fundline.platform.http.problems import problem, refusal_response
from fundline.platform.http.requests import read_body
from fundline.platform.refusals import Kind, Refusal, Unavailable
from fundline.platform.telemetry.logs import get_log
from fundline.risk.manifest import MODEL_NAME
from fundline.risk.model import Model
from fundline.services.model_service.compute import CallerGone, InferenceQueue, QueueFull, TooLate
from fundline.services.model_service.metrics import ModelMetrics
from fundline.services.model_service.protocol import (
    answer_inference,
    describe_model,
    read_inference,
)
from fundline.services.model_service.repository import ModelRepository

Endpoint = Callable[[Request], Awaitable[Response]]

TIMEOUT_HEADER = "x-timeout-ms"
"""How long the caller waits; after that the answer is of no use to anybody."""
_BYTES_PER_ROW, _BYTES_BESIDE_ROWS = 512, 64 * 1024
_CLIENT_CLOSED_REQUEST = 499


class ModelUnknown(Refusal):
    kind = Kind.NOT_FOUND
    code = "model-unknown"
    title = "No model of this name and version is loaded"


class NoModelLoaded(Unavailable):
    code = "no-model-loaded"
    title = "The model service has no model"


@dataclass(frozen=True, slots=True)
class ModelDoor:
    models: ModelRepository
    queue: InferenceQueue
    metrics: ModelMetrics
    is_draining: Callable[[], bool]
    most_rows: int
    patience_s: float

    def routes(self) -> list[Route]:
        model = "/v2/models/{name}"
        version = model + "/versions/{version}"
        return [
            Route("/v2", _with_error_field(self.server)),
            Route("/v2/health/live", _with_error_field(self.live)),
            Route("/v2/health/ready", _with_error_field(self.ready)),
            Route(model, _with_error_field(self.metadata)),
            Route(version, _with_error_field(self.metadata)),
            Route(f"{model}/ready", _with_error_field(self.model_ready)),
            Route(f"{version}/ready", _with_error_field(self.model_ready)),
            Route(f"{model}/infer", _with_error_field(self.infer), methods=["POST"]),
            Route(f"{version}/infer", _with_error_field(self.infer), methods=["POST"]),
        ]

    async def server(self, _: Request) -> Response:
        return _json(
            {
                "name": "fundline-model-service",
                "version": importlib.metadata.version("fundline"),
                "extensions": [],
            }
        )

    async def live(self, _: Request) -> Response:
        return _json({"live": True})

    async def ready(self, _: Request) -> Response:
        is_ready = await self.models.is_ready() and not self.is_draining()
        return _json({"live": True, "ready": is_ready}, 200 if is_ready else 503)

    async def metadata(self, request: Request) -> Response:
        return _json(describe_model(self._model(request), self.models.versions))

    async def model_ready(self, request: Request) -> Response:
        return _json({"name": MODEL_NAME, "version": self._model(request).version, "ready": True})

    async def infer(self, request: Request) -> Response:
        model = self._model(request)
        body = await read_body(request, self.most_rows * _BYTES_PER_ROW + _BYTES_BESIDE_ROWS)
        result = "failed"
        try:
            answer = await self.queue.run(
                lambda: self._compute(model, body),
                within_s=_within_s(request, self.patience_s),
                caller_leaves=_disconnected(request),
            )
            result = "ok"
        except CallerGone:
            result = "gone"
            return Response(status_code=_CLIENT_CLOSED_REQUEST)
        except Refusal as refusal:
            result = _RESULTS.get(type(refusal), "refused")
            raise
        finally:
            self.metrics.model_requests.labels(model.version, result).inc()
        return Response(answer, media_type="application/json")

    def _compute(self, model: Model, body: bytes) -> bytes:
        """Runs in the queue's thread: reading a batch is work too."""
        inference = read_inference(body, most_rows=self.most_rows)
        started = time.perf_counter()
        answer = answer_inference(model, inference)
        self.metrics.model_inference_s.labels(model.version).observe(time.perf_counter() - started)
        return answer

    def _model(self, request: Request) -> Model:
        """Raises ModelUnknown or NoModelLoaded."""
        name, version = request.path_params["name"], request.path_params.get("version")
        if name != MODEL_NAME:
            raise ModelUnknown(f"The only model here is {MODEL_NAME}.")
        if not self.models.versions:
            raise NoModelLoaded(
                "No version has been loaded; see the log for what was refused.", retry_after_s=5
            )
        model, refused_because = self.models.find(version), self.models.why_refused(version)
        if model is None and refused_because is not None:
            raise ModelUnknown(f"This version was refused. {refused_because}")
        if model is None:
            raise ModelUnknown(f"This version is not loaded; there are {', '.join(self.models.versions)}.")
        return model


_RESULTS: dict[type[Refusal], str] = {QueueFull: "queue_full", TooLate: "expired"}


def _with_error_field(endpoint: Endpoint) -> Endpoint:
    """Refusals, and answers that no model may give, with the protocol's `error`."""

    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except Refusal as refusal:
            refused = refusal_response(refusal)
        except BadScore as bug:
            get_log().error("model.bad_answer", exc_info=bug)
            refused = problem(
                code="bad-model-answer",
                title="The model failed",
                status=500,
                detail=f"Nothing was scored: {bug}.",
            )
        document = orjson.loads(refused.body)
        body = orjson.dumps({**document, "error": document["detail"]})
        headers = {
            name: value
            for name, value in refused.headers.items()
            if name not in {"content-length", "content-type"}
        }
        return Response(body, refused.status_code, media_type=refused.media_type, headers=headers)

    return answer


def _within_s(request: Request, patience_s: float) -> float:
    """The caller's patience when it says so, at most ours."""
    asked = request.headers.get(TIMEOUT_HEADER, "")
    is_usable = asked.isascii() and asked.isdigit() and len(asked) < 10  # noqa: PLR2004 - days of milliseconds
    return min(int(asked) / 1000, patience_s) if is_usable else patience_s


async def _disconnected(request: Request) -> None:
    """Only after the body was read: the server then has nothing else to tell than that the caller left."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _json(body: dict[str, object], status: int = 200) -> Response:
    return Response(orjson.dumps(body), status, media_type="application/json")
