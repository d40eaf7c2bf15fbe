"""The model service for tests: in the test's own loop with a model made here, or as a process that can be stopped."""

import asyncio
import contextlib
import math
import os
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import uvicorn
from prometheus_client import CollectorRegistry
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from fundline.platform.http.api import api
from fundline.platform.http.edge import Edge
from fundline.platform.telemetry.metrics import Metrics
from fundline.risk.features import FEATURE_NAMES, FEATURES, FeatureValues
from fundline.risk.manifest import MODEL_NAME
from fundline.risk.model import Answer
from fundline.services.model_service.compute import InferenceQueue
from fundline.services.model_service.metrics import ModelMetrics
from fundline.services.model_service.repository import ModelRepository
from fundline.services.model_service.routes import ModelDoor
from support.bank import until_ready
from support.ports import free_port

ROW: Mapping[str, float | str] = {
    "amount": 50_000.0,
    "revolving": 1.0,
    "employees": 4.0,
    "business_age": "new",
    "legal_form": "llc",
    "franchise": 0.0,
    "subsector": "722",
    "state": "CA",
}
_DATATYPES = {"number": "FP64", "flag": "BOOL", "category": "BYTES"}


def infer_body(rows: Sequence[FeatureValues] = (ROW,), **changes: Any) -> dict[str, Any]:
    """An inference request; `amount={"shape": [2]}` changes that input, None leaves it out."""
    inputs = []
    for feature in FEATURES:
        values = [row[feature.name] for row in rows]
        data = [bool(value) for value in values] if feature.kind == "flag" else values
        tensor = {
            "name": feature.name,
            "shape": [len(rows)],
            "datatype": _DATATYPES[feature.kind],
            "data": data,
        }
        change = changes.get(feature.name, {})
        if change is not None:
            inputs.append({**tensor, **change})
    return {"inputs": inputs}


@dataclass
class MadeUpModel:
    """Log odds = -2 + employees / 100. Waits for `may_answer` before each answer, and counts those it began."""

    version: str = "made-up-1"
    base_rate: float = 0.2
    digest: str = "0" * 64
    may_answer: threading.Event = field(default_factory=threading.Event)
    began: int = 0
    probability: float | None = None
    """Answered instead of the right one."""

    def answer(self, rows: Sequence[FeatureValues]) -> list[Answer]:
        self.began += 1
        assert self.may_answer.wait(60)
        return [self._answer(float(row["employees"]) / 100) for row in rows]

    def _answer(self, added: float) -> Answer:
        probability = 1 / (1 + math.exp(2 - added)) if self.probability is None else self.probability
        return Answer(probability, -2.0, dict.fromkeys(FEATURE_NAMES, 0.0) | {"employees": added})


def ready_model(version: str = "made-up-1", **fields: Any) -> MadeUpModel:
    """One that answers at once."""
    model = MadeUpModel(version, **fields)
    model.may_answer.set()
    return model


@dataclass
class ModelFolder:
    """A models' folder whose artefacts are one word: `good <digest>` loads, anything else is raised as it stands."""

    path: Path
    errors: dict[str, Exception] = field(default_factory=dict)

    def put(self, version: str, content: str) -> None:
        (self.path / version).mkdir(parents=True, exist_ok=True)
        (self.path / version / "manifest.json").write_text(content)

    def load(self, folder: Path) -> MadeUpModel:
        content = (folder / "manifest.json").read_text()
        if content in self.errors:
            raise self.errors[content]
        kind, digest = content.split()
        assert kind == "good"
        return ready_model(folder.name, digest=digest)


@contextlib.asynccontextmanager
async def over_http(app: ASGIApp) -> AsyncIterator[str]:
    """Yields the base URL. Whatever still hangs at the end is cut off after a second."""
    port = free_port()
    server = uvicorn.Server(
        uvicorn.Config(app, port=port, log_config=None, lifespan="off", timeout_graceful_shutdown=1)
    )
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await serving


@contextlib.asynccontextmanager
async def model_service_over_http(
    models: ModelRepository, metrics: Metrics, *, longest: int = 64, patience_s: float = 30.0
) -> AsyncIterator[str]:
    queue = InferenceQueue(threads=1, longest=longest, metrics=metrics)
    door = ModelDoor(
        models,
        queue,
        metrics.of(ModelMetrics),
        is_draining=lambda: False,
        most_rows=4096,
        patience_s=patience_s,
    )
    async with over_http(Edge(api(door.routes()), metrics=metrics)) as url:
        yield url
    await queue.close()


@dataclass
class ScriptedModelServer:
    """Any server of the protocol: answers as told when it may, and counts what arrives."""

    answer: Callable[[], Response]
    asked: int = 0
    timeouts: list[str | None] = field(default_factory=list)
    delay_s: float = 0.0
    may_answer: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""
    """Once it is served."""

    def __post_init__(self) -> None:
        self.may_answer.set()

    async def _infer(self, request: Request) -> Response:
        self.asked += 1
        self.timeouts.append(request.headers.get("x-timeout-ms"))
        await asyncio.sleep(self.delay_s)
        await self.may_answer.wait()
        return self.answer()

    @contextlib.asynccontextmanager
    async def over_http(self) -> AsyncIterator[str]:
        path = "/v2/models/{name}/versions/{version}/infer"
        metrics = Metrics(CollectorRegistry())
        async with over_http(Edge(api([Route(path, self._infer, methods=["POST"])]), metrics=metrics)) as url:
            yield url


def good_answer(version: str = "scorecard-2", **changes: Any) -> dict[str, Any]:
    """A right answer for one row, with probability 0.5; `changes` replace whole members, or values of a tensor."""
    names = ("probability", "base", "contributions")
    shapes = ([1], [1], [1, len(FEATURE_NAMES)])
    data: list[list[Any]] = [[0.5], [0.0], [0.0] * len(FEATURE_NAMES)]
    outputs = [
        {"name": name, "datatype": "FP64", "shape": shape, "data": changes.pop(name, values)}
        for name, shape, values in zip(names, shapes, data, strict=True)
    ]
    outputs[2]["parameters"] = {"features": ",".join(FEATURE_NAMES)}
    body = {
        "model_name": MODEL_NAME,
        "model_version": version,
        "parameters": {"base_rate": 0.2, "digest": "0" * 64},
        "outputs": outputs,
    }
    return body | changes


def json_response(body: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(body), status, media_type="application/json")


class ModelServiceProcess:
    """The service as it runs in the fleet."""

    def __init__(self, log_file: Path, **settings: object) -> None:
        """`settings` such as model_directory=... become its environment."""
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log_file = log_file
        self._environment = {
            **os.environ,
            "FUNDLINE_HTTP_PORT": str(self.port),
            **{f"FUNDLINE_{name.upper()}": str(value) for name, value in settings.items()},
        }
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "fundline.services.model_service.main"],
                env=self._environment,
                stdout=log,
                stderr=log,
            )
        await until_ready(self.url, "/v2/health/live")

    def send(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    async def ended(self) -> int:
        """Its exit status."""
        assert self._process is not None
        return await asyncio.to_thread(self._process.wait, 30)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def log(self) -> list[dict[str, Any]]:
        return [orjson.loads(line) for line in self.log_file.read_bytes().splitlines() if line[:1] == b"{"]


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    for _ in range(1200):
        if await condition():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it never came true")
