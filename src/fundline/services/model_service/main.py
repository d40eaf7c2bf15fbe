"""Composition root of the model service."""

import asyncio

from fundline.platform.http.api import api
from fundline.platform.process import Service, run_process
from fundline.platform.telemetry.metrics import Metrics
from fundline.risk.artefact import MODELS_DIRECTORY
from fundline.services.model_service.compute import InferenceQueue
from fundline.services.model_service.metrics import ModelMetrics
from fundline.services.model_service.repository import ModelRepository
from fundline.services.model_service.routes import ModelDoor
from fundline.services.model_service.settings import Settings


def main() -> None:
    settings = Settings()

    async def build(metrics: Metrics) -> Service:
        models = ModelRepository(
            settings.model_directory or MODELS_DIRECTORY, metrics, every_s=settings.model_poll_s
        )
        queue = InferenceQueue(
            threads=settings.model_threads, longest=settings.model_queue_limit, metrics=metrics
        )
        draining = asyncio.Event()
        door = ModelDoor(
            models,
            queue,
            metrics.of(ModelMetrics),
            is_draining=draining.is_set,
            most_rows=settings.model_batch_limit,
            patience_s=settings.model_patience_s,
        )
        await models.refresh()
        return Service(
            app=api(door.routes()),
            background=[models],
            checks={"models": models.is_ready},
            close=[queue.close],
            on_drain=draining.set,
        )

    run_process(settings, build)


if __name__ == "__main__":
    main()
