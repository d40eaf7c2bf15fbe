"""What every answer carries: nobody stores it, and who must sign in is told what is wrong with the token."""

from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry
from pydantic import BaseModel

from fundline.contracts.roles import Role
from fundline.platform.http.api import api
from fundline.platform.http.edge import Edge
from fundline.platform.http.endpoints import Call, Endpoint, served
from fundline.platform.http.tokens import TokenMissing, Unauthenticated
from fundline.platform.identity import Caller
from fundline.platform.telemetry.metrics import Metrics


class Answer(BaseModel):
    name: str


ONE = Endpoint("GET", "/one", "readOne", "One.", "things", roles=(Role.OPERATOR,), gives=Answer)


class Tokens:
    def caller(self, connection: Any, *, allow_query: bool = False) -> Caller:
        token = connection.headers.get("authorization")
        if token is None:
            raise TokenMissing("Send a token.")
        if token == "wrong":
            raise Unauthenticated("It has expired.")
        return Caller("olga", Role(token))


async def one(_: Call[None, Answer]) -> Answer:
    return Answer(name="hers")


@pytest.fixture
def client() -> httpx.AsyncClient:
    tokens: Any = Tokens()
    app = Edge(api(served(tokens, [ONE.by(one)])), metrics=Metrics(CollectorRegistry()))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")


@pytest.mark.parametrize(
    ("path", "token", "status", "challenge"),
    [
        ("/one", "operator", 200, None),
        ("/other", "operator", 404, None),
        ("/one", None, 401, 'Bearer realm="fundline"'),
        ("/one", "wrong", 401, 'error="invalid_token"'),
        ("/one", "applicant", 403, 'error="insufficient_scope"'),
    ],
)
async def test_no_answer_is_stored_and_a_wrong_token_is_named(client, path, token, status, challenge):
    answer = await client.get(path, headers={} if token is None else {"authorization": token})
    assert answer.status_code == status
    assert answer.headers["cache-control"] == "no-store"
    told = answer.headers.get("www-authenticate")
    assert (told is None) == (challenge is None)
    if told is not None and challenge is not None:
        assert challenge in told
        assert told.startswith('Bearer realm="fundline"')
        assert ("error=" in told) == (token is not None)
