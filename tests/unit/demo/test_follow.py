import asyncio
from uuid import UUID

import httpx

from fundline.demo.client import FundlineClient
from fundline.demo.follow import follow
from fundline.demo.journey import Journey, PlannedApplication
from fundline.domain.application import ApplicationStatus
from support.fake_fundline import FakeFundline, refused, stream, told


class _NoPauses:
    def uniform(self, _least: float, _most: float) -> float:
        return 0.0


async def _followed(*answers: httpx.Response | Exception) -> tuple[Journey, FakeFundline]:
    fake = FakeFundline(list(answers))
    client = FundlineClient("https://fundline.test", transport=fake, dice=_NoPauses())
    journey = Journey(PlannedApplication("alice", {}, "key-1"), application_id=UUID(int=7))
    async with asyncio.timeout(10):
        await follow(journey, client, "a-token")
    return journey, fake


BEGINNING = (told("processing", 1), told("risk_scoring", 2))


async def test_an_application_is_followed_until_it_is_paid():
    journey, fake = await _followed(stream(*BEGINNING, told("approved", 3), told("disbursed", 4)))
    assert (journey.status, journey.sequence) == (ApplicationStatus.DISBURSED, 4)
    assert not journey.disorder
    assert fake.requests[0].url.path == f"/v1/status/{UUID(int=7)}/events"
    assert fake.requests[0].headers["authorization"] == "Bearer a-token"
    assert "last-event-id" not in fake.requests[0].headers


async def test_a_referral_ends_the_following_although_its_stream_stays_open():
    journey, fake = await _followed(stream(*BEGINNING, told("pending_review", 3), httpx.ReadTimeout("open")))
    assert journey.status is ApplicationStatus.PENDING_REVIEW
    assert len(fake.requests) == 1


async def test_a_broken_stream_is_opened_again_after_the_last_change():
    journey, fake = await _followed(
        stream(*BEGINNING, httpx.ReadError("killed")),
        httpx.ConnectError("away"),
        refused(503, "unavailable"),
        stream(told("approved", 3), told("disbursed", 4)),
    )
    assert journey.status is ApplicationStatus.DISBURSED
    assert [request.headers.get("last-event-id") for request in fake.requests] == [None, "2", "2", "2"]
    assert journey.reconnects == 3
    assert not journey.disorder


async def test_a_stream_that_ends_early_is_opened_again():
    journey, fake = await _followed(stream(*BEGINNING), stream(told("rejected", 3)))
    assert journey.status is ApplicationStatus.REJECTED
    assert fake.requests[1].headers["last-event-id"] == "2"


async def test_a_stream_that_starts_over_is_noticed():
    journey, _ = await _followed(
        stream(*BEGINNING, httpx.ReadError("killed")), stream(*BEGINNING, told("rejected", 3))
    )
    assert journey.status is ApplicationStatus.REJECTED
    assert journey.disorder == "its stream told change 1 after change 2"


async def test_a_refused_stream_ends_the_following_with_a_sentence():
    journey, _ = await _followed(refused(404, "status-not-found", detail="There is no such application."))
    assert journey.trouble == ["its status stream was refused: 404 There is no such application."]


async def test_what_is_no_status_is_noted_and_passed_over():
    journey, _ = await _followed(stream(b"data: nonsense\n\n", *BEGINNING, told("rejected", 3)))
    assert journey.status is ApplicationStatus.REJECTED
    assert len(journey.trouble) == 1
