"""How every process runs: log set-up, HTTP for health (and its API), background work, SIGTERM drains."""

import asyncio
import gc
import signal
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal, Protocol

import uvicorn
import uvloop
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from fundline.platform.database import ClockWatch, Database
from fundline.platform.database.metrics import DatabaseMetrics
from fundline.platform.http.api import api
from fundline.platform.http.edge import Edge
from fundline.platform.http.health import Check, health_routes
from fundline.platform.liveness import Heartbeat, Watchdog
from fundline.platform.loop import Loop
from fundline.platform.metrics import ProcessMetrics
from fundline.platform.settings import ProcessSettings
from fundline.platform.telemetry.logs import configure_logs, get_log
from fundline.platform.telemetry.metrics import Metrics

WEBSOCKET_PING_S = 5.0
"""A frozen instance is told by its silence: as often as the heartbeat of a stream of events."""
_STARTING_S = 60.0
"""For the composition root to open what the process needs."""
_CLOSING_S = 8.0
"""For each thing that is closed after the drain; longer than the pool of the database takes to give up by itself."""
_LEAVING_S = 5.0
"""For the rest of the way out: a thread that never comes back must not keep the process."""


class Background(Protocol):
    """Background work. Each of its loops has a heartbeat: what hangs is found, and the process ends for it."""

    @property
    def heartbeats(self) -> Sequence[Heartbeat]: ...

    async def run(self, stop: asyncio.Event) -> None:
        """Until the event is set, then finish what is held. When it raises, the process ends with status 1."""


@dataclass(slots=True)
class Service:
    """What a composition root hands over: an app (None: health only), background work, checks, and how to close."""

    app: ASGIApp | None = None
    background: Sequence[Background] = ()
    checks: Mapping[str, Check] = field(default_factory=dict)
    database: Database | None = None
    """Gives the process its time. Its answer, and the machine's clock, are parts of readiness; its pool is measured."""
    close: Sequence[Callable[[], Awaitable[None]]] = ()
    before_scrape: Callable[[], None] = lambda: None
    on_drain: Callable[[], None] = lambda: None
    """Called when the drain begins: streams are told to end."""
    protocol: type[asyncio.Protocol] | Literal["httptools"] = "httptools"
    """What reads HTTP from a connection."""


Build = Callable[[Metrics], Awaitable[Service]]


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:  # the process handles signals itself, to drain in order
        yield


def run_process(settings: ProcessSettings, build: Build) -> None:
    """Run until SIGTERM or SIGINT. Exit status 1 when something crashed."""
    configure_logs(process=settings.process, instance=settings.instance, level=settings.log_level)
    raise SystemExit(uvloop.run(_run(settings, build)))


async def _run(settings: ProcessSettings, build: Build) -> int:
    log = get_log()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    metrics = Metrics()
    pulse, starting, leaving = _Pulse(), Heartbeat("start", _STARTING_S), Heartbeat("drain", _LEAVING_S)
    watchdog = Watchdog([*pulse.heartbeats, starting, leaving], grace_s=settings.hung_grace_s)
    starting.beat()
    watchdog.start()
    try:
        service = await build(metrics)
    except Exception as error:
        log.error("process.not_started", exc_info=error)
        return 1
    starting.end()
    if service.database is not None:
        service = _with_database(service, service.database, metrics)
    beats = [beat for part in service.background for beat in part.heartbeats]
    for beat in [*pulse.heartbeats, *beats]:
        metrics.of(ProcessMetrics).loop_age_s.labels(beat.name).set_function(partial(getattr, beat, "age_s"))
    watchdog.watch(beats)
    server = _server(settings, service, stop, metrics, watchdog)
    serving = asyncio.create_task(server.serve())
    beating = asyncio.create_task(pulse.run(asyncio.Event()))
    tasks = [asyncio.create_task(background.run(stop)) for background in service.background]
    gc.collect()
    gc.freeze()  # start-up objects never die: keeps full collections off the hot path
    log.info("process.started", address=f"{settings.http_host}:{settings.http_port}")
    await _until(stop, [*tasks, serving])
    log.info("process.draining")
    stop.set()
    leaving.beat(settings.drain_notice_s + settings.drain_timeout_s + _CLOSING_S * len(service.close))
    service.on_drain()
    await asyncio.sleep(settings.drain_notice_s)
    server.should_exit = True
    failed = await _finish([*tasks, serving], settings.drain_timeout_s)
    for close in service.close:
        failed |= not await _closed(close)
    log.info("process.stopped", failed=failed)
    beating.cancel()
    return 1 if failed else 0


def _with_database(service: Service, database: Database, metrics: Metrics) -> Service:
    clock, measured = ClockWatch(database, metrics), metrics.of(DatabaseMetrics)

    def before_scrape() -> None:
        measured.observe_pool(database.connections())
        service.before_scrape()

    return replace(
        service,
        background=[*service.background, clock],
        checks={"database": database.is_ready, "clock": clock.is_right, **service.checks},
        before_scrape=before_scrape,
    )


class _Pulse(Loop):
    """The event loop's own beat."""

    def __init__(self) -> None:
        super().__init__("event-loop", every_s=0.5, limit_s=15.0)

    async def turn(self) -> None:
        """That it is called is all that it shows."""


async def _closed(close: Callable[[], Awaitable[None]]) -> bool:
    """False when it failed or would not end: a process that stops must not wait for ever for what it leaves."""
    try:
        await asyncio.wait_for(close(), _CLOSING_S)
    except Exception as error:
        get_log().error("process.part_not_closed", exc_info=error)
        return False
    return True


async def _until(stop: asyncio.Event, tasks: list[asyncio.Task[None]]) -> None:
    """Until a stop is asked for, or a part of the process ends by itself."""
    waiter = asyncio.create_task(stop.wait())
    await asyncio.wait([waiter, *tasks], return_when=asyncio.FIRST_COMPLETED)
    waiter.cancel()


async def _finish(tasks: list[asyncio.Task[None]], timeout_s: float) -> bool:
    """True when one of them failed or had to be cut off."""
    if not tasks:
        return False
    done, late = await asyncio.wait(tasks, timeout=timeout_s)
    for task in late:
        task.cancel()
    failed = bool(late)
    for task in done:
        if (error := task.exception()) is not None:
            get_log().error("process.part_crashed", exc_info=error)
            failed = True
    return failed


def _server(
    settings: ProcessSettings, service: Service, stop: asyncio.Event, metrics: Metrics, watchdog: Watchdog
) -> _Server:
    health = health_routes(
        service.checks,
        is_draining=stop.is_set,
        late_loops=watchdog.late,
        metrics=metrics,
        before_scrape=service.before_scrape,
    )
    config = uvicorn.Config(
        Edge(beside(health, service.app), metrics=metrics, is_draining=stop.is_set),
        host=settings.http_host,
        port=settings.http_port,
        log_config=None,
        access_log=False,
        proxy_headers=False,  # nothing here believes a forwarded address
        lifespan="off",
        http=service.protocol,
        ws="websockets-sansio",
        ws_max_size=16 * 1024,  # clients have little to say on our sockets
        ws_ping_interval=WEBSOCKET_PING_S,
        ws_per_message_deflate=False,  # its windows cost more memory per open stream than all the rest
        loop="none",
        backlog=2048,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=int(settings.drain_timeout_s),
        server_header=False,
        date_header=False,
    )
    return _Server(config)


def beside(health: Sequence[Route], app: ASGIApp | None) -> ASGIApp:
    """The app, and health beside it, which answers without the app's routes."""
    own, answered = {route.path for route in health}, api(health)

    async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
        is_health = app is None or (scope["type"] == "http" and scope["path"] in own)
        await (answered if is_health or app is None else app)(scope, receive, send)

    return dispatch
