from collections.abc import AsyncIterator

import httpx
import pytest
from prometheus_client import CollectorRegistry

from fundline.platform.database import Database
from fundline.platform.http.api import api
from fundline.platform.http.edge import Edge
from fundline.platform.http.endpoints import served
from fundline.platform.http.tokens import TokenVerifier
from fundline.platform.secrets import SecretBox
from fundline.platform.telemetry.metrics import Metrics
from fundline.services.application_api.another_account import AnotherAccount
from fundline.services.application_api.reading import Reading
from fundline.services.application_api.reassessment import Reassessment
from fundline.services.application_api.reference import ReferenceData
from fundline.services.application_api.review import Review
from fundline.services.application_api.routes import bound
from fundline.services.application_api.settings import Settings
from fundline.services.application_api.submission import Submission


@pytest.fixture
async def client(engines, database: Database, database_url: str) -> AsyncIterator[httpx.AsyncClient]:
    settings = Settings(
        database_url=database_url,
        jwks_file=engines.stack.keys.jwks,
        account_key_file=engines.stack.keys.account_key,
    )
    metrics = Metrics(CollectorRegistry())
    reference = ReferenceData(database)
    await reference.load()
    box = SecretBox(settings.account_key_file)
    offered = bound(
        Submission(database, box, reference, metrics),
        Reading(database),
        Review(database),
        Reassessment(database),
        AnotherAccount(database, box),
        reference,
    )
    app = Edge(api(served(TokenVerifier(settings), offered)), metrics=metrics)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as opened:
        yield opened
