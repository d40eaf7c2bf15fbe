from collections.abc import AsyncIterator

import pytest

from fundline.platform.database import Database
from support.audit import Trail, audit_trail


@pytest.fixture
async def trail(engines, database: Database, database_url: str, tmp_path) -> AsyncIterator[Trail]:
    """Three streams of four entries, anchored twice: after two entries each, and at the end."""
    superuser_url = (
        engines.stack.postgres.superuser_url.rsplit("/", 1)[0] + "/" + database_url.rsplit("/", 1)[1]
    )
    async with audit_trail(database, database_url, superuser_url, tmp_path) as made:
        for actions in (("a.began", "a.went_on"), ("a.paused", "a.ended")):
            for stream in ("application:1", "application:2", "keys"):
                await made.write(stream, *actions)
            await made.anchor()
        assert await made.findings() == []
        yield made
