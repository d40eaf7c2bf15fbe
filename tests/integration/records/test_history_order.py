"""A history never runs backwards: not by the code that moves an application, and not by anybody else's statement."""

from datetime import timedelta

import asyncpg
import pytest

from fundline.domain.application import ApplicationStatus
from fundline.platform.clock import new_id
from fundline.platform.secrets import SecretBox
from fundline.records.status import lock_application, move_application
from support.approved_applications import AT, store_application

pytestmark = pytest.mark.integration
HOUR = timedelta(hours=1)
INSERT = """
insert into application_status_history (application_id, sequence, status, occurred_at, actor, metadata)
values ($1, $2, 'risk_scoring', $3, 'tests', '{}')
"""
TIMES = "select occurred_at from application_status_history where application_id = $1 order by sequence"


@pytest.fixture
async def application_id(database, account_key_file):
    made = await store_application(database, SecretBox(account_key_file), status="risk_scoring")
    await database.execute(INSERT, made, 3, AT)
    return made


async def test_an_instance_whose_clock_is_slow_writes_no_time_before_the_last_one(database, application_id):
    """The incident: `disbursed` before `approved`, 23 times, by a payments worker that was an hour slow."""
    for at in (AT - HOUR, AT - 2 * HOUR):
        async with database.transaction() as connection:
            application = await lock_application(connection, application_id)
            asked = (
                ApplicationStatus.APPROVED
                if application.status is ApplicationStatus.RISK_SCORING
                else ApplicationStatus.DISBURSED
            )
            moved = await move_application(
                connection, application, asked, at=at, actor="tests", new_id=new_id
            )
            assert moved.changed_at == AT
    assert [row["occurred_at"] for row in await database.fetch(TIMES, application_id)] == [AT, AT, AT]
    told = await database.fetch("select payload::jsonb ->> 'timestamp' as at from outbox order by position")
    assert {row["at"] for row in told} == {"2026-11-23T10:00:00.000000Z"}


async def test_an_entry_that_is_earlier_than_the_one_before_it_is_refused_by_its_name(
    database, application_id
):
    with pytest.raises(asyncpg.CheckViolationError) as refused:
        await database.execute(INSERT, application_id, 4, AT - timedelta(milliseconds=1))
    assert refused.value.constraint_name == "application_status_history_never_runs_backwards"
    await database.execute(INSERT, application_id, 4, AT)
