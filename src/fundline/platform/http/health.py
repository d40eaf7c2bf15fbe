"""`/health/live`, `/health/ready` and `/metrics`, on every process."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

import orjson
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fundline.platform.metrics import ProcessMetrics
from fundline.platform.telemetry.logs import lost_lines
from fundline.platform.telemetry.metrics import Metrics

Check = Callable[[], Awaitable[bool]]
"""Fast, and never raises: True when the part is usable."""
_CHECK_S = 2.0
"""A part that does not say by then whether it is usable is not."""


def health_routes(
    checks: Mapping[str, Check],
    *,
    is_draining: Callable[[], bool],
    late_loops: Callable[[], Sequence[str]],
    metrics: Metrics,
    before_scrape: Callable[[], None],
) -> list[Route]:
    """Live: the event loop turns. Ready: every named part answers, every loop turns, and no stop was asked for."""
    own = metrics.of(ProcessMetrics)

    async def live(_: Request) -> Response:
        return Response(b'{"status":"live"}', media_type="application/json")

    async def ready(_: Request) -> Response:
        parts = {name: await _says_yes(check) for name, check in checks.items()}
        late = late_loops()
        parts["loops"] = not late
        parts["accepting"] = not is_draining()
        good = all(parts.values())
        told = {"status": "ready" if good else "not ready", "parts": parts}
        body = orjson.dumps(told | {"lateLoops": list(late)} if late else told)
        return Response(body, 200 if good else 503, media_type="application/json")

    async def scrape(_: Request) -> Response:
        own.observe_lost_lines(lost_lines())
        before_scrape()
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)

    return [Route("/health/live", live), Route("/health/ready", ready), Route("/metrics", scrape)]


async def _says_yes(check: Check) -> bool:
    try:
        return await asyncio.wait_for(check(), _CHECK_S)
    except TimeoutError:
        return False
