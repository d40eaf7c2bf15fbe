"""What the notification service is made of: the channels, the courier, and what the API shares with them."""

import ssl
from dataclasses import dataclass
from datetime import timedelta

from fundline.platform.clock import Clock, utc_now
from fundline.platform.database import Database
from fundline.platform.http.outbound import OutboundClient, Resolve
from fundline.platform.mail import MailServer, MailServerAway
from fundline.platform.resilience import CircuitBreaker
from fundline.platform.secrets import SecretBox
from fundline.platform.telemetry.metrics import Metrics
from fundline.services.notification_service.announcement import Announcement
from fundline.services.notification_service.channel import Channels
from fundline.services.notification_service.courier import Courier
from fundline.services.notification_service.endpoint_health import EndpointHealth
from fundline.services.notification_service.mail_channel import MailChannel
from fundline.services.notification_service.mails import MailRoom
from fundline.services.notification_service.queue_figures import QueueFigures
from fundline.services.notification_service.recording import DeliveryBook
from fundline.services.notification_service.settings import MailSettings, Settings
from fundline.services.notification_service.webhook_channel import WebhookChannel


@dataclass(frozen=True, slots=True)
class Delivering:
    channels: Channels
    courier: Courier
    queue_figures: QueueFigures
    client: OutboundClient
    box: SecretBox


def open_delivering(
    database: Database,
    settings: Settings,
    metrics: Metrics,
    *,
    now: Clock = utc_now,
    resolve: Resolve | None = None,
    trust: ssl.SSLContext | None = None,
) -> Delivering:
    """`resolve` and `trust` as in OutboundClient. Raises KeyFileUnusable, or OSError for the password's file."""
    box = SecretBox(settings.webhook_key_file)
    client = OutboundClient(
        settings.target_rules,
        timeout_s=settings.webhook_timeout_s,
        answer_limit_bytes=settings.webhook_answer_bytes,
        connections=settings.notification_concurrency,
        resolve=resolve,
        trust=trust,
    )
    health = EndpointHealth(metrics, failing_after=timedelta(days=settings.webhook_failing_days))
    breaker = CircuitBreaker("mail-server", failures=(MailServerAway,), longest_open_s=30.0)
    mails = MailRoom(settings.mail_from, settings.mail_unsubscribe, now=now)
    channels = Channels(
        WebhookChannel(database, client, box, health, now=now),
        MailChannel(database, _mail_server(settings), mails, breaker),
    )
    book = DeliveryBook(database, settings, channels, now=now)
    courier = Courier(database, settings, channels, book, metrics, now=now)
    figures = QueueFigures(database, settings, channels, metrics, now=now)
    return Delivering(channels, courier, figures, client, box)


def open_announcement(
    database: Database, settings: Settings, delivering: Delivering, metrics: Metrics
) -> Announcement:
    told_within = timedelta(hours=settings.notification_event_age_h)
    return Announcement(
        database,
        delivering.channels,
        told_within=told_within,
        metrics=metrics,
        wake=delivering.courier.wake,
    )


def _mail_server(settings: MailSettings) -> MailServer:
    password = settings.smtp_password_file.read_text().strip() if settings.smtp_password_file else ""
    return MailServer(
        settings.smtp_host,
        settings.smtp_port,
        settings.smtp_security,
        settings.smtp_timeout_s,
        settings.smtp_user,
        password,
    )
