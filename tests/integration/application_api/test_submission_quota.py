"""How many applications one subject may submit in a while: exact, whatever is sent at once."""

import asyncio
from datetime import datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry

from fundline.contracts.roles import Role
from fundline.platform.clock import utc_now
from fundline.platform.database.idempotency import AlreadyAnswered
from fundline.platform.identity import Caller
from fundline.platform.telemetry.metrics import Metrics
from fundline.services.application_api.quota import Quota, QuotaExceeded
from fundline.services.application_api.reference import ReferenceData
from fundline.services.application_api.submission import Submission
from support.applications import an_application, application_of_its_own
from support.writes import once

pytestmark = pytest.mark.integration
BOB, BROKER = Caller("bob", Role.APPLICANT), Caller("broker", Role.PARTNER)


class LaterClock:
    ahead = timedelta()

    def __call__(self) -> datetime:
        return utc_now() + self.ahead


@pytest.fixture
def clock() -> LaterClock:
    return LaterClock()


@pytest.fixture
async def submission(database, box, clock) -> Submission:
    reference = ReferenceData(database)
    await reference.load()
    quota = Quota(applicant=20, partner=25, window=timedelta(hours=1))
    return Submission(database, box, reference, Metrics(CollectorRegistry()), quota=quota, now=clock)


async def submitted(submission: Submission, caller: Caller, key: str | None = None) -> bool:
    try:
        await submission.submit(caller, an_application(), once(caller.subject, key, status=202))
    except QuotaExceeded as refused:
        assert 3500 < (refused.retry_after_s or 0) <= 3600
        return False
    return True


async def stored(database) -> dict[str, int]:
    rows = await database.fetch("select user_id, count(*) as many from applications group by user_id")
    return {row["user_id"]: row["many"] for row in rows}


async def test_of_fifty_at_once_exactly_the_quota_is_stored(submission, database):
    turns = asyncio.Semaphore(6)

    async def one(caller: Caller) -> bool:
        async with turns:
            return await submitted(submission, caller)

    taken = await asyncio.gather(*(one(caller) for _ in range(50) for caller in (BOB, BROKER)))
    assert sum(taken) == 45
    assert await stored(database) == {"bob": 20, "broker": 25}
    keys = await database.fetchrow("select count(*) as many from idempotency_keys")
    events = await database.fetchrow("select count(distinct key) as many from outbox")
    assert (keys["many"], events["many"]) == (45, 45)  # what is refused leaves nothing behind


async def test_a_repeat_is_no_further_submission_and_gets_its_answer_when_the_quota_is_used_up(
    submission, database
):
    for number in range(20):
        assert await submitted(submission, BOB, f"key-{number}")
    assert not await submitted(submission, BOB, "one more")
    for number in range(20):
        with pytest.raises(AlreadyAnswered):
            await submitted(submission, BOB, f"key-{number}")
    assert await stored(database) == {"bob": 20}


async def test_when_the_window_is_over_the_same_key_is_taken(submission, database, clock):
    for _ in range(20):
        assert await submitted(submission, BOB)
    assert not await submitted(submission, BOB, "patient")
    clock.ahead = timedelta(hours=1, seconds=1)
    assert await submitted(submission, BOB, "patient")
    assert await stored(database) == {"bob": 21}


async def test_the_refusal_is_a_problem_document_with_the_time_to_come_back(client, headers, database):
    """By the default settings: twenty an hour."""
    for _ in range(20):
        answer = await client.post("/v1/applications", json=application_of_its_own(), headers=headers("carl"))
        assert answer.status_code == 202
    refused = await client.post("/v1/applications", json=application_of_its_own(), headers=headers("carl"))
    assert refused.status_code == 429
    assert refused.headers["content-type"] == "application/problem+json"
    assert 0 < int(refused.headers["retry-after"]) <= 3600
    assert refused.json()["type"] == "urn:fundline:problem:submission-quota-exceeded"
    assert await stored(database) == {"carl": 20}
