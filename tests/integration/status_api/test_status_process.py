"""The process itself: what SIGTERM does to readers."""

import asyncio
import os
import subprocess
import sys

import pytest

from fundline.stack.ready import is_well
from support.ports import free_ports
from support.status_service import following, until

pytestmark = pytest.mark.integration


@pytest.fixture
async def process(settings, tmp_path):
    port = free_ports().status_service
    named = settings.model_dump(mode="json") | {"http_port": port}
    environment = {f"FUNDLINE_{name.upper()}": str(value) for name, value in named.items()}
    with (tmp_path / "log").open("wb") as log:
        started = subprocess.Popen(
            [sys.executable, "-m", "fundline.services.status_api.main"],
            env={"PATH": os.environ["PATH"], **environment},
            stdout=log,
        )
    url = f"http://127.0.0.1:{port}"
    async with asyncio.timeout(60):
        while not await asyncio.to_thread(is_well, f"{url}/health/ready"):
            await asyncio.sleep(0.1)
    yield started, url
    started.kill()
    started.wait()


async def test_sigterm_ends_open_streams_and_the_process_leaves_with_zero(process, applications, headers):
    started, url = process
    application_id = await applications.submit()
    async with following(url, application_id, headers()) as (seen, task):
        await until(lambda: seen.sequences == [1])
        started.terminate()
        assert (await task).sequences == [1]  # ended in good order: a cut connection would raise
    assert await asyncio.to_thread(started.wait, 25) == 0
