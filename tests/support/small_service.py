"""A process with the runtime of every service and next to no work: `python -m support.small_service`.

It stands behind a gateway in tests that kill, stop and freeze it. Which instance answers is in every answer.
"""

import asyncio
import os
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route

from fundline.platform.http.api import api
from fundline.platform.process import Service, run_process
from fundline.platform.settings import ProcessSettings
from fundline.platform.telemetry.metrics import Metrics

HEARTBEAT_S = 0.2


def main() -> None:
    settings = ProcessSettings()
    draining = asyncio.Event()

    async def answer(request: Request) -> JSONResponse:
        """After `?seconds=`: who answered."""
        await asyncio.sleep(float(request.query_params.get("seconds", 0)))
        return JSONResponse({"instance": settings.instance, "pid": os.getpid()})

    async def stream(_: Request) -> StreamingResponse:
        async def lines() -> AsyncIterator[str]:
            yield f"data: {settings.instance}\n\n"
            while not draining.is_set():
                await asyncio.sleep(HEARTBEAT_S)
                yield ": alive\n\n"

        return StreamingResponse(lines(), media_type="text/event-stream")

    async def build(_: Metrics) -> Service:
        routes = [
            Route("/v1/status/{reference}/events", stream),
            Route("/{path:path}", answer, methods=["GET", "POST"]),
        ]
        return Service(app=api(routes), on_drain=draining.set)

    run_process(settings, build)


if __name__ == "__main__":
    main()
