from uuid import UUID

import httpx
import orjson
import pytest

from fundline.demo.client import FundlineClient, NotAccepted
from support.fake_fundline import FakeFundline, accepted, refused

ID = "0193a0b0-0000-7000-8000-000000000001"
BODY = {"amount": "50000.00"}


class _NoPauses:
    def uniform(self, _least: float, _most: float) -> float:
        return 0.0


def _client(fake: FakeFundline) -> FundlineClient:
    return FundlineClient("https://fundline.test", transport=fake, dice=_NoPauses())


async def test_a_submission_sends_body_key_and_token_and_gives_the_id():
    fake = FakeFundline([accepted(ID)])
    assert await _client(fake).submit(BODY, "a-token", "key-1") == UUID(ID)
    request = fake.requests[0]
    assert request.headers["idempotency-key"] == "key-1"
    assert request.headers["authorization"] == "Bearer a-token"
    assert orjson.loads(request.content) == BODY


@pytest.mark.parametrize(
    "trouble",
    [
        refused(503, "database-unavailable"),
        refused(429, "too-many-requests"),
        refused(500, "internal"),
        refused(409, "request-in-flight"),
        httpx.ReadTimeout("slow"),
        httpx.ConnectError("away"),
        httpx.RemoteProtocolError("killed"),
    ],
    ids=lambda trouble: type(trouble).__name__ + str(getattr(trouble, "status_code", "")),
)
async def test_what_may_pass_is_repeated_with_the_same_key(trouble):
    fake = FakeFundline([trouble, accepted(ID)])
    repeats = []
    await _client(fake).submit(BODY, "a-token", "key-1", lambda: repeats.append(1))
    assert [request.headers["idempotency-key"] for request in fake.requests] == ["key-1", "key-1"]
    assert repeats == [1]


@pytest.mark.parametrize("status", [400, 401, 403, 409, 413, 422])
async def test_a_refusal_is_not_repeated(status):
    fake = FakeFundline([refused(status, "invalid", detail="The amount is absurd.")])
    with pytest.raises(NotAccepted, match=f"{status} The amount is absurd."):
        await _client(fake).submit(BODY, "a-token", "key-1")
    assert len(fake.requests) == 1


async def test_a_refusal_names_the_fields():
    problem = {"detail": "Refused.", "errors": [{"path": "business.naics", "message": "Unknown sector."}]}
    fake = FakeFundline([httpx.Response(422, json=problem)])
    with pytest.raises(NotAccepted, match=r"business\.naics: Unknown sector\."):
        await _client(fake).submit(BODY, "a-token", "key-1")


async def test_an_acceptance_without_an_id_is_said_to_be_one():
    fake = FakeFundline([httpx.Response(202, json={"status": "processing"})])
    with pytest.raises(NotAccepted, match="accepted without an id"):
        await _client(fake).submit(BODY, "a-token", "key-1")


def test_pauses_grow_and_have_an_upper_limit():
    class Longest:
        def uniform(self, _least: float, most: float) -> float:
            return most

    client = FundlineClient("https://fundline.test", transport=FakeFundline([]), dice=Longest())
    assert [client.pause_s(attempt) for attempt in (0, 1, 2, 5, 1000)] == [0.1, 0.2, 0.4, 2.0, 2.0]
