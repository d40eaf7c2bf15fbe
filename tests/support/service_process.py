"""A service as the process that it is in the fleet, with the settings and the environment of the test's choice."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import orjson
from prometheus_client.parser import text_string_to_metric_families

from fundline.platform.http.client import trust_for
from support.ports import free_port


class ServiceProcess:
    def __init__(
        self, module: str, name: str, environment: Mapping[str, str], folder: Path, *, port: int | None = None
    ) -> None:
        """`module` is below fundline, such as `services.event_router.main`; `name` is the instance's."""
        self.name, self.log_file = name, folder / f"{name}.log"
        port = port or free_port()
        self.url = f"http://127.0.0.1:{port}"
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", f"fundline.{module}"],
                env={
                    **os.environ,
                    **environment,
                    "FUNDLINE_INSTANCE": name,
                    "FUNDLINE_HTTP_PORT": str(port),
                },
                stdout=log,
                stderr=log,
            )

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def runs(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(30)

    def log(self, event: str) -> list[dict[str, Any]]:
        """Its lines about this event."""
        lines = (line for line in self.log_file.read_bytes().splitlines() if line[:1] == b"{")
        return [line for line in map(orjson.loads, lines) if line["message"] == event]

    async def health(self) -> dict[str, Any]:
        """What it says of its parts; empty while it does not answer."""
        try:
            async with httpx.AsyncClient(trust_env=False, verify=trust_for(self.url)) as client:
                return dict((await client.get(f"{self.url}/health/ready")).json()["parts"])
        except httpx.TransportError:
            return {}

    async def metric(self, name: str, **labels: str) -> float:
        """The sum over all samples of this name with these labels; 0 when there is none."""
        async with httpx.AsyncClient(trust_env=False, verify=trust_for(self.url)) as client:
            page = await client.get(f"{self.url}/metrics")
        return sum(
            sample.value
            for family in text_string_to_metric_families(page.text)
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )
