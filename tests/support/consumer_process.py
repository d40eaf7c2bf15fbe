"""A process of the fleet's kind that only consumes: `python -m support.consumer_process`, settings as FUNDLINE_*.

It handles `applications.created` as the group risk-intake, each event in some tens of milliseconds. Of the user
`killer` it dies, as a fault in a driver or a lack of memory would have it. With a database it remembers on what.
"""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx

from fundline.contracts.topics import APPLICATIONS_CREATED, Group
from fundline.platform.database import open_database
from fundline.platform.database.suspects import SuspectRows
from fundline.platform.http.client import trust_for
from fundline.platform.kafka.consumer import ConsumerRuntime
from fundline.platform.kafka.messages import Event, Subscription
from fundline.platform.kafka.producer import EventProducer
from fundline.platform.process import Service, run_process
from fundline.platform.settings import DatabaseSettings, KafkaSettings
from fundline.platform.telemetry.metrics import Metrics
from support.ports import free_port

GROUP = Group.RISK_INTAKE
_WORK_S = 0.03
KILLER = "killer"


class ConsumerProcess:
    def __init__(self, name: str, settings: KafkaSettings, folder: Path, *, database_url: str = "") -> None:
        self.url = f"http://127.0.0.1:{(port := free_port())}"
        told = settings.model_dump(exclude={"process", "instance", "http_port"}, mode="json")
        environment = {
            **os.environ,
            **{f"FUNDLINE_{key.upper()}": str(value) for key, value in told.items()},
            "FUNDLINE_INSTANCE": name,
            "FUNDLINE_HTTP_PORT": str(port),
            "PYTHONPATH": str(Path(__file__).parents[1]),
            **({"FUNDLINE_DATABASE_URL": database_url} if database_url else {}),
        }
        with (folder / f"{name}.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "support.consumer_process"], env=environment, stdout=log, stderr=log
            )

    async def is_ready(self) -> bool:
        async with httpx.AsyncClient(trust_env=False, timeout=3.0, verify=trust_for(self.url)) as client:
            try:
                return (await client.get(f"{self.url}/health/ready")).status_code == httpx.codes.OK
            except httpx.HTTPError:
                return False

    def runs(self) -> bool:
        return self._process.poll() is None

    def stop(self) -> int:
        """Its exit status after SIGTERM."""
        self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait(10)


def main() -> None:
    settings = KafkaSettings()

    async def work(event: Event[Any]) -> None:
        await asyncio.sleep(_WORK_S)
        if event.payload.user_id == KILLER:
            os.kill(os.getpid(), signal.SIGKILL)

    async def build(metrics: Metrics) -> Service:
        consumer = ConsumerRuntime(
            settings,
            GROUP,
            [Subscription(APPLICATIONS_CREATED, work)],
            producer=EventProducer(settings),
            metrics=metrics,
            suspects=await _suspects(),
        )
        return Service(background=[consumer], checks={"consumer": consumer.ready})

    run_process(settings, build)


async def _suspects() -> SuspectRows | None:
    if "FUNDLINE_DATABASE_URL" not in os.environ:
        return None
    return SuspectRows(await open_database(DatabaseSettings(database_pool_size=2)), GROUP)


if __name__ == "__main__":
    main()
