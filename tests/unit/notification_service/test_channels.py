"""A channel is one class behind one registry; nothing else names the channels that there are."""

import re
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from fundline.contracts.payloads import DisbursementCompleted, StatusUpdated
from fundline.domain.application import ApplicationStatus
from fundline.domain.money import Money
from fundline.domain.review_reasons import ReviewReason, reasons_as_json, reviewed_because
from fundline.services import notification_service
from fundline.services.notification_service.channel import (
    Channels,
    Delivery,
    DeliveryResult,
    Letter,
    Outcome,
)
from fundline.services.notification_service.mail_channel import LANE as MAIL_LANE
from fundline.services.notification_service.mail_channel import MailChannel
from fundline.services.notification_service.told import (
    AFTER_ALL_STATUSES,
    Subject,
    Told,
    ToldKind,
    of_result,
    of_status,
)
from fundline.services.notification_service.webhook_channel import WebhookChannel
from support.third_channel import LANE, ShortMessages

AT = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
ID = uuid.UUID("019a0c1e-6b54-7c3a-9d2f-4b1f0e6a7c11")
ALICE = Subject(ID, "FL-7K2Q-M9XD-40RTP", "alice", "Harbor Street Bakery LLC", Money(5_000_000, "USD"))
NO_DATABASE: Any = None


@dataclass
class Breaker:
    is_open: bool = False


def registry(*more: ShortMessages, mail_is_away: bool = False) -> Channels:
    """As it is wired, without what is outside."""
    unused: Any = None
    breaker: Any = Breaker(mail_is_away)
    return Channels(
        WebhookChannel(unused, unused, unused, unused),
        MailChannel(unused, unused, unused, breaker),
        *more,
    )


def told(status: str = "approved", **metadata: Any) -> Told:
    payload = StatusUpdated(
        application_id=ID,
        status=status,
        timestamp=AT,
        sequence=3,
        tracking_id=ALICE.tracking_id,
        user_id="alice",
        metadata=metadata,
    )
    return of_status(payload, ALICE)


def delivery_of(channel: str, letter: Letter) -> Delivery:
    return Delivery(ID, channel, letter.recipient, letter.kind, letter.body, letter.lane, 0, 0, None, ID)


async def test_a_third_channel_is_registered_and_tells_delivers_and_rests_like_the_others():
    messages = ShortMessages({"alice": "+15550100"})
    channels = registry(messages)
    assert channels.names == ["webhook", "email", "sms"]
    (letter,) = await channels["sms"].letters(NO_DATABASE, told())
    assert letter == Letter(
        "alice", "application.status_updated", "FL-7K2Q-M9XD-40RTP: approved", "sms gateway"
    )
    outcome = await channels["sms"].deliver(delivery_of("sms", letter))
    assert outcome == Outcome(DeliveryResult.DELIVERED)
    assert messages.sent == [("+15550100", "FL-7K2Q-M9XD-40RTP: approved")]
    assert channels.closed_lanes == []
    messages.is_open = False
    assert channels.closed_lanes == [LANE]


async def test_whoever_has_no_receiver_in_a_channel_is_told_nothing_over_it():
    assert list(await ShortMessages({"bob": "+15550101"}).letters(NO_DATABASE, told())) == []


async def test_a_channel_whose_receivers_nobody_switches_off_has_no_watch():
    assert registry(ShortMessages({}))["sms"].watch is None


def test_two_channels_with_one_name_are_not_wired():
    with pytest.raises(ValueError, match="one name"):
        registry(ShortMessages({}), ShortMessages({}))


def test_a_channel_that_nobody_knows_is_not_found():
    with pytest.raises(KeyError):
        registry()["sms"]


def test_the_mail_servers_lane_is_closed_while_its_breaker_is_open():
    assert registry(mail_is_away=True).closed_lanes == [MAIL_LANE]


def test_only_the_channels_themselves_and_their_wiring_know_which_ones_there_are():
    """The courier, the queue, its figures and the log work with any channel."""
    folder = Path(notification_service.__file__).parent
    common = ("announcement", "announcement_store", "courier", "queue_figures", "queue_store", "recording")
    named = re.compile(r"['\"](email|webhook)['\"]|(Mail|Webhook)Channel")
    assert [name for name in common if named.search((folder / f"{name}.py").read_text())] == []


def test_what_is_told_is_the_same_for_every_channel():
    referred = told("pending_review", principalReasons=[{"code": "x", "sentence": "Too few months."}])
    assert (referred.kind, referred.place, referred.status) == (ToldKind.STATUS_UPDATED, 3, "pending_review")
    assert referred.reasons == ("Too few months.",)
    assert told("approved", principalReasons=[{"sentence": "Not shown."}]).reasons == ()


def test_a_result_is_told_after_every_status_with_its_payment():
    payload = DisbursementCompleted(
        application_id=ID,
        status="completed",
        transaction_id="txn_1",
        timestamp=AT,
        payment_id=ID,
        amount="50000.00",
        currency="USD",
    )
    result = of_result(payload, ALICE)
    assert (result.kind, result.place) == (ToldKind.DISBURSEMENT_COMPLETED, AFTER_ALL_STATUSES)
    assert (result.status, result.transaction_id) == (ApplicationStatus.DISBURSED, "txn_1")
    assert (result.data["amount"], result.data["paymentId"]) == ("50000.00", str(ID))


@pytest.mark.parametrize("by", [{}, {"decidedBy": "underwriter"}])
@pytest.mark.parametrize("status", ["rejected", "pending_review"])
def test_whoever_decided_the_reasons_that_are_told_are_those_of_the_event(status, by):
    reasons = reasons_as_json(reviewed_because([ReviewReason.PAPERS_MISSING]))
    told_of = told(status, principalReasons=reasons, **by)
    assert told_of.reasons == (reasons[0]["sentence"],)
    assert told_of.data["metadata"]["principalReasons"] == reasons
