import base64
import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from fundline.platform.database import Database
from fundline.platform.secrets import SecretBox
from fundline.services.notification_service.settings import Settings
from support.approved_applications import store_application
from support.notifications import Notifier, notifier


@pytest.fixture
def webhook_key_file(tmp_path: Path) -> Path:
    path = tmp_path / "webhook.key"
    path.write_bytes(base64.b64encode(bytes(range(32))))
    return path


@pytest.fixture
def settings(engines, database_url: str, webhook_key_file: Path) -> Callable[..., Settings]:
    """Those of development, with quick retries; `changes` by name."""

    def make(**changes) -> Settings:
        values = {
            "database_url": database_url,
            "kafka_bootstrap": engines.bootstrap,
            "jwks_file": engines.stack.keys.jwks,
            "webhook_key_file": webhook_key_file,
            "webhook_targets": "development",
            "notification_retry_after_s": "0,0,0",
            "notification_poll_s": 0.05,
            "smtp_security": "none",
            "smtp_port": 1,  # nobody listens
        }
        return Settings(**{**values, **changes})

    return make


@pytest.fixture
async def service(database: Database, settings) -> AsyncIterator[Notifier]:
    async with notifier(database, settings()) as running:
        yield running


@pytest.fixture
async def application_id(database: Database, account_key_file: Path) -> uuid.UUID:
    """Alice's."""
    return await store_application(database, SecretBox(account_key_file))


@pytest.fixture
def register(headers):
    """Makes an endpoint of alice's; returns it with its secret."""

    async def make(service: Notifier, url: str, **more):
        answer = await service.http.post(
            "/v1/webhook-endpoints", json={"url": url, **more}, headers=headers()
        )
        assert answer.status_code == 201, answer.text
        return answer.json()

    return make
