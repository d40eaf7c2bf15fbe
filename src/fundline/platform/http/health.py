"""`/health/live`, `/health/ready` and `/metrics`, on every process."""

from collections.abc import Awaitable, Callable, Mapping

import orjson
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fundline.platform.telemetry.logs import lost_lines
from fundline.platform.telemetry.metrics import Metrics

Check = Callable[[], Awaitable[bool]]
"""Fast, and never raises: True when the part is usable."""


def health_routes(
    checks: Mapping[str, Check],
    *,
    is_draining: Callable[[], bool],
    metrics: Metrics,
    before_scrape: Callable[[], None],
) -> list[Route]:
    """Live: the event loop turns. Ready: every named part answers and no stop was asked for."""

    async def live(_: Request) -> Response:
        return Response(b'{"status":"live"}', media_type="application/json")

    async def ready(_: Request) -> Response:
        parts = {name: await check() for name, check in checks.items()}
        parts["accepting"] = not is_draining()
        good = all(parts.values())
        body = orjson.dumps({"status": "ready" if good else "not ready", "parts": parts})
        return Response(body, 200 if good else 503, media_type="application/json")

    async def scrape(_: Request) -> Response:
        metrics.observe_lost_lines(lost_lines())
        before_scrape()
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)

    return [Route("/health/live", live), Route("/health/ready", ready), Route("/metrics", scrape)]
