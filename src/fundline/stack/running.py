"""A running stack: engines and fleet, brought up side by side and stopped in reverse."""

import os
import threading
from collections.abc import Sequence
from functools import partial

from fundline.platform.command_errors import CommandFailed
from fundline.stack.engines.envoy import Gateway
from fundline.stack.engines.envoy_view import GatewayView
from fundline.stack.engines.kafka import KafkaBroker
from fundline.stack.engines.kafka_development import KafkaDevelopmentBroker
from fundline.stack.engines.kafka_jars import KafkaUnavailable
from fundline.stack.engines.postgres import PostgresNode
from fundline.stack.engines.preflight import require_free_port
from fundline.stack.engines.valkey import ValkeyServer
from fundline.stack.environment import (
    Settings,
    dependency_settings,
    file_settings,
    http_address,
    service_spec,
    settings_of,
)
from fundline.stack.flags_file import ensure_flags_file
from fundline.stack.fleet import (
    BEHIND_THE_GATEWAY,
    ENGINES,
    GATEWAY,
    KAFKA,
    POSTGRES,
    VALKEY,
    Process,
    stop_order,
)
from fundline.stack.keys import StackKeys, mint_token
from fundline.stack.layout import Ports, StackHome
from fundline.stack.preparation import create_missing_topics, migrate
from fundline.stack.process_spec import Engine
from fundline.stack.progress import Progress
from fundline.stack.ready import await_rotation, await_routes, is_well
from fundline.stack.room import free_bytes, is_tight
from fundline.stack.side_by_side import Step, run_side_by_side
from fundline.stack.state import Phase, ProcessIdentity, ProcessRecord, StackState, StateFile, stop_leftovers
from fundline.stack.supervisor import Part, RestartPolicy, Supervisor

SERVICES_AT_ONCE = 6
"""Starting Python processes side by side: more only makes each of them slower on two cores."""
SERVICE_START_TIMEOUT_S = 60.0
TIGHT = (
    "Only {} MiB are free on this disk. Fundline starts all the same: it keeps the end of its logs only, the cache "
    "in memory only, and little write-ahead log. See docs/runbooks/disk-full.md."
)


class Stack:
    """One stack on this machine: `bring_up` and `shut_down` once each, the rest from any thread between."""

    def __init__(
        self,
        home: StackHome,
        ports: Ports,
        fleet: Sequence[Process],
        progress: Progress,
        *,
        stopping: threading.Event | None = None,
        policy: RestartPolicy | None = None,
    ) -> None:
        self.home = home
        self.ports = ports
        self.fleet = tuple(fleet)
        self.progress = progress
        self.keys = StackKeys(home)
        self.postgres = PostgresNode(home, ports.postgres)
        self.valkey = ValkeyServer(home, ports)
        self.kafka: KafkaBroker | KafkaDevelopmentBroker = KafkaBroker(home, ports)
        self.gateway = Gateway(home, ports, {name: self._ports_of(name) for name in BEHIND_THE_GATEWAY})
        self._stopping = stopping or threading.Event()
        self._phase: Phase = "starting"
        self._state = StateFile(home.run)
        self._saving = threading.Lock()
        self._supervisor = Supervisor(home.root, self._notice, self._save, policy)

    @property
    def gateway_url(self) -> str:
        """Where clients reach the API; empty for a stack of engines only."""
        return self.gateway.address if self._has_gateway else ""

    @property
    def settings(self) -> Settings:
        """Every FUNDLINE_* setting of the stack, also the owner's database address: for tests and tools."""
        known = self._known_settings()
        owner = {"FUNDLINE_MIGRATION_DATABASE_URL": self.postgres.owner_url}
        return {name: value for settings in known.values() for name, value in settings.items()} | owner

    def environment(self, process: str, number: int = 1) -> Settings:
        """The FUNDLINE_* settings of one instance of a process; `number` counts from 1."""
        found = next(candidate for candidate in self.fleet if candidate.name == process)
        return settings_of(found, number, self.ports, self._known_settings())

    def titles(self) -> dict[str, str]:
        """Names of the engines for people, by their names in the fleet."""
        engines: tuple[Engine, ...] = (self.postgres, self.valkey, self.kafka, self.gateway)
        return {engine.name: engine.title for engine in engines}

    def token(self, subject: str, role: str, ttl_s: int = 3600) -> str:
        return mint_token(self.home, subject, role, ttl_s)

    def kill(self, instance: str) -> int:
        """Kill -9 a running instance, such as `risk-worker-1`; it is restarted. Returns the pid killed."""
        return self._supervisor.kill(instance)

    def processes(self) -> tuple[ProcessRecord, ...]:
        """What runs now: the engines, then the fleet in the order of its table."""
        order = [*ENGINES, *(name for process in self.fleet for name in process.instance_names())]
        return tuple(sorted(self._supervisor.records(), key=lambda record: order.index(record.instance)))

    def bring_up(self) -> None:
        """Start everything and wait until all of it is healthy. Raises CommandFailed; then call `shut_down`."""
        if is_tight(self.home.root):
            self.progress.notice(TIGHT.format(free_bytes(self.home.root) >> 20), style="bold yellow")
        self.keys.create()
        ensure_flags_file(self.home)
        stop_leftovers(self._state.load(), self.home.root, self.progress.notice)
        self._require_free_service_ports()
        self._save()
        run_side_by_side(self._steps(), SERVICES_AT_ONCE, self._stopping)
        self._phase = "running"
        self._save()

    def shut_down(self) -> None:
        """Drain and stop: the gateway, the services from last to first, the engines. Safe to repeat."""
        self._phase = "stopping"
        self._supervisor.close()
        running = {record.instance for record in self.processes()}
        groups = [[GATEWAY], *self._instances_by_stop_order(), [KAFKA, VALKEY, POSTGRES]]
        for group in groups:
            present = [instance for instance in group if instance in running]
            if present:
                self.progress.notice("stopping " + ", ".join(present))
                self._supervisor.stop(present)
        self._state.remove()

    def force(self) -> None:
        """Kill everything at once."""
        self._supervisor.kill_all()

    @property
    def _has_gateway(self) -> bool:
        return any(process.name in BEHIND_THE_GATEWAY for process in self.fleet)

    def _steps(self) -> list[Step]:
        steps = [
            Step(POSTGRES, self._bring_up_postgres),
            Step(VALKEY, partial(self._bring_up_engine, self.valkey, self.ports.valkey)),
            Step(KAFKA, self._bring_up_kafka),
        ]
        if self._has_gateway:
            health = f"{self.gateway.administration}/ready"
            run = partial(self._bring_up_engine, self.gateway, self.ports.gateway, health=health)
            steps.append(Step(GATEWAY, run))
        instances = {process.name: process.instance_names() for process in self.fleet}
        for process in self.fleet:
            needs = tuple(name for need in process.depends_on for name in instances.get(need, [need]))
            for number, instance in enumerate(process.instance_names(), start=1):
                run = partial(self._bring_up_service, process, number)
                steps.append(Step(instance, run, needs, is_heavy=True))
        if self._has_gateway:
            behind = [name for process in BEHIND_THE_GATEWAY for name in instances.get(process, [])]
            steps.append(Step("api", self._await_routes, (GATEWAY, *behind)))
        return steps

    def _bring_up_postgres(self) -> None:
        self._bring_up_engine(self.postgres, self.ports.postgres, "migrating")
        migrate(self.postgres.owner_url, self.home.log_file("migrate"))
        self.progress.done(POSTGRES)

    def _bring_up_kafka(self) -> None:
        try:
            self._bring_up_engine(self.kafka, self.ports.kafka, "creating topics")
        except KafkaUnavailable as reason:
            self.progress.notice(f"{reason}", style="bold yellow")
            self.progress.notice(
                "Fundline goes on with the in-memory development broker: events are lost when it stops. "
                "It is for a demo only.",
                style="bold yellow",
            )
            self.kafka = KafkaDevelopmentBroker(self.home, self.ports)
            self._bring_up_engine(self.kafka, self.ports.kafka, "creating topics")
        create_missing_topics(self.kafka.address)
        self.progress.done(KAFKA)

    def _bring_up_engine(self, engine: Engine, port: int, then: str = "", *, health: str = "") -> None:
        """Prepare, start, wait. `then` names what the caller does next; without it the engine is done."""
        report = partial(self.progress.say, engine.name)
        report("preparing")
        engine.prepare(report)
        report("starting")
        self._start(
            Part(
                process=engine.name,
                instance=engine.name,
                kind="engine",
                title=engine.title,
                spec=engine.spec(),
                is_ready=engine.is_ready,
                address=engine.address,
                health=health or f"tcp://127.0.0.1:{port}",
                start_timeout_s=engine.start_timeout_s,
                before_stop=engine.before_stop,
            )
        )
        engine.after_start(report)
        if then:
            report(then)
        else:
            self.progress.done(engine.name)

    def _bring_up_service(self, process: Process, number: int) -> None:
        address = http_address(self.ports, process, number)
        health = f"{address}/health/ready"
        settings = settings_of(process, number, self.ports, self._known_settings())
        spec = service_spec(process, number, self.home, settings)
        self.progress.say(spec.name, "starting")
        self._start(
            Part(
                process=process.name,
                instance=spec.name,
                kind="service",
                title=process.name,
                spec=spec,
                is_ready=partial(is_well, health),
                address=address,
                health=health,
                start_timeout_s=SERVICE_START_TIMEOUT_S,
            )
        )
        self.progress.done(spec.name, "healthy")

    def _start(self, part: Part) -> None:
        self._supervisor.start(part)
        self._supervisor.wait_ready(part.instance)

    def _await_routes(self) -> None:
        self.progress.say("api", "waiting for the gateway's routes")
        try:
            await_routes(
                self.gateway_url,
                [process.name for process in self.fleet],
                self.token("fundline-up", "operator", ttl_s=120),
                self.keys.authority_certificate,
            )
            await_rotation(GatewayView(self.gateway.administration))
        except TimeoutError as error:
            raise CommandFailed(f"{error}; see {self.home.log_file(GATEWAY)}.") from error
        self.progress.done("api", f"answers at {self.gateway_url}")

    def _known_settings(self) -> dict[str, Settings]:
        return file_settings(self.home) | dependency_settings(
            self.fleet,
            self.ports,
            database_url=self.postgres.app_url,
            cache_url=self.valkey.url,
            bootstrap=self.kafka.address,
            dialect=self.kafka.dialect,
        )

    def _ports_of(self, name: str) -> list[int]:
        """HTTP ports of all instances of a process; none when the fleet is without it."""
        numbers = [range(1, process.instances + 1) for process in self.fleet if process.name == name]
        return [self.ports.of_process(name, number) for instances in numbers for number in instances]

    def _require_free_service_ports(self) -> None:
        for process in self.fleet:
            for number in range(1, process.instances + 1):
                port = self.ports.of_process(process.name, number)
                require_free_port(port, process.name, process.name.replace("-", "_").upper())

    def _instances_by_stop_order(self) -> list[list[str]]:
        instances = {process.name: process.instance_names() for process in self.fleet}
        return [[i for name in group for i in instances[name]] for group in stop_order(self.fleet)]

    def _notice(self, instance: str, text: str) -> None:
        self.progress.notice(f"{instance} {text}", style="yellow")

    def _save(self) -> None:
        runner = ProcessIdentity.of(os.getpid())
        if runner is None:
            return
        try:
            with self._saving:
                self._state.save(StackState(runner, self._phase, self.gateway_url, self.processes()))
        except OSError as error:  # a full disk must not end the supervision
            self.progress.notice(
                f"state.json is out of date: {error.strerror} at {self.home.run}", style="red"
            )
