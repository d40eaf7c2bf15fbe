import httpx
import pytest

from fundline.platform.settings import KafkaSettings
from fundline.services.event_router.settings import Settings


@pytest.fixture
def settings(kafka_settings: KafkaSettings, database_url: str) -> Settings:
    """Those of the event router."""
    return Settings(database_url=database_url, **kafka_settings.model_dump(exclude_unset=True))


@pytest.fixture
def act(operations: httpx.AsyncClient, operator_headers):
    """`await act(letter_id, verb, subject=…, **body)`; a reason is given unless the test gives one."""

    async def post(
        letter_id: object, verb: str, *, subject: str = "olga", key: str | None = None, **body: object
    ) -> httpx.Response:
        return await operations.post(
            f"/v1/dead-letters/{letter_id}/{verb}",
            json={"reason": "The cause is mended.", **body},
            headers=operator_headers(subject, key=key),
        )

    return post


@pytest.fixture
def shown(operations: httpx.AsyncClient, operator_headers):
    async def get(letter_id: object) -> dict[str, object]:
        answer = await operations.get(f"/v1/dead-letters/{letter_id}", headers=operator_headers())
        assert answer.status_code == 200, answer.text
        told: dict[str, object] = answer.json()
        return told

    return get
