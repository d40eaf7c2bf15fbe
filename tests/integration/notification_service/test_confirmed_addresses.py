"""An address gets nothing but its confirmation until whoever named it has sent back the code that went there.

Anybody could have a stranger mailed, at any address and as often as they liked.
"""

from datetime import timedelta

import pytest

from fundline.services.notification_service.address_codes import MOST_SENT, MOST_TRIES, VALID_FOR, WINDOW
from support.notifications import AT, CODE, mail_sink, notifier, until_mails

pytestmark = pytest.mark.integration
PREFERENCES = "/v1/notification-preferences"
CONFIRMATION = f"{PREFERENCES}/confirmation"
ADDRESS = "alice@harborstreet.example"


class Clock:
    def __init__(self) -> None:
        self.at = AT

    def __call__(self):
        return self.at


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def service(database, settings, clock):
    async with notifier(database, settings(), now=clock) as running:
        yield running


async def put(service, headers, address=ADDRESS, subject="alice", **email):
    document = {"email": {"address": address, **email}}
    return await service.http.put(PREFERENCES, json=document, headers=headers(subject))


async def confirm(service, headers, code=CODE, subject="alice"):
    return await service.http.post(CONFIRMATION, json={"code": code}, headers=headers(subject))


async def test_nothing_but_the_code_goes_out_until_it_has_come_back(
    database, settings, headers, application_id
):
    async with mail_sink() as (mailbox, port), notifier(database, settings(smtp_port=port)) as service:
        assert (await put(service, headers)).json()["email"]["confirmed"] is False
        (asked,) = await until_mails(mailbox, 1)
        assert (asked.recipients, "7K2Q-M9XD" in asked.part("plain")) == ((ADDRESS,), True)
        await service.status(application_id, "processing", 1)
        assert len(await service.rows()) == 1
        confirmed = await confirm(service, headers, "7k2q-m9xd")
        assert (confirmed.status_code, confirmed.json()["email"]["confirmed"]) == (200, True)
        await service.status(application_id, "approved", 3)
        _, told = await until_mails(mailbox, 2)
    assert "is approved" in told.header("subject")
    assert told.header("list-unsubscribe") == "<mailto:unsubscribe@fundline.example>"


async def test_what_waits_for_an_address_does_not_go_to_the_next_one(
    database, settings, headers, application_id
):
    async with notifier(database, settings()) as service:  # nobody listens at its mail server's port
        await put(service, headers)
        await confirm(service, headers)
        await service.status(application_id, "approved", 3)
        assert (await put(service, headers, "stranger@example.com")).json()["email"]["confirmed"] is False
    async with mail_sink() as (mailbox, port), notifier(database, settings(smtp_port=port)) as service:
        await database.execute("update notifications set due_at = now()")
        service.delivering.courier.wake()
        await service.until_state("cancelled")
        subjects = {mail.header("subject") for mail in mailbox.newest_first()}
    assert subjects <= {"Please confirm this address"}


async def test_an_address_that_was_confirmed_is_not_asked_again(service, headers):
    await put(service, headers)
    await confirm(service, headers)
    assert (await put(service, headers, statuses=["approved"])).json()["email"]["confirmed"] is True
    assert len(await service.rows()) == 1


@pytest.mark.parametrize("late", [timedelta(0), timedelta(seconds=1)])
async def test_a_code_has_its_time(service, headers, clock, late):
    await put(service, headers)
    clock.at += VALID_FOR + late
    assert (await confirm(service, headers)).status_code == (422 if late else 200)


async def test_a_code_is_for_the_one_who_asked_and_for_the_last_address(service, headers):
    await put(service, headers)
    stranger = await confirm(service, headers, subject="mallory")
    assert (stranger.status_code, stranger.json()["errors"][0]["path"]) == (422, "code")
    await put(service, headers, None)
    assert (await confirm(service, headers)).status_code == 422


@pytest.mark.parametrize(("wrong", "status"), [(MOST_TRIES - 1, 200), (MOST_TRIES, 422)])
async def test_a_code_is_not_guessed(service, headers, wrong, status):
    await put(service, headers)
    for _ in range(wrong):
        assert (await confirm(service, headers, "00000000")).status_code == 422
    assert (await confirm(service, headers)).status_code == status


async def test_an_address_is_asked_a_few_times_a_day_whoever_names_it(service, headers, clock):
    for number in range(MOST_SENT):
        assert (await put(service, headers, subject=f"somebody-{number}")).status_code == 200
    refused = await put(service, headers, ADDRESS.upper(), subject="one-more")
    assert refused.status_code == 429
    assert refused.json()["type"] == "urn:fundline:problem:confirmation-quota-exceeded"
    assert "retry-after" in refused.headers
    kept = await service.http.get(PREFERENCES, headers=headers("one-more"))
    assert kept.json()["email"]["address"] is None
    clock.at += WINDOW
    assert (await put(service, headers, ADDRESS.upper(), subject="one-more")).status_code == 200
