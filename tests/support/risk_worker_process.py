"""A risk worker as the process that it is in the fleet, with a model server of the test's choice."""

from pathlib import Path

from support.service_process import ServiceProcess


class RiskWorkerProcess(ServiceProcess):
    def __init__(self, name: str, settings: dict[str, str], folder: Path, *, module: str = "main") -> None:
        """`settings` are its FUNDLINE_* environment."""
        environment = {**settings, "FUNDLINE_FLAGS_FILE": str(folder / "no-flags.json")}
        super().__init__(f"services.risk_worker.{module}", name, environment, folder)
