from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from fundline.platform.http.outbound import TargetRules, Targets
from fundline.platform.settings import DatabaseSettings, KafkaSettings, Port, TokenSettings

_NUMBERS = r"^[0-9]{1,6}(,[0-9]{1,6})*$"


class DeliverySettings(DatabaseSettings):
    notification_retry_after_s: Annotated[str, Field(pattern=_NUMBERS)] = (
        "5,300,1800,7200,18000,36000,50400,72000,86400"
    )
    """Pauses after the first, second … failed attempt, each up to 10 % longer; after the last one it is given up."""
    notification_concurrency: Annotated[int, Field(ge=1, le=500)] = 32
    """Deliveries side by side."""
    notification_lane_concurrency: Annotated[int, Field(ge=1, le=50)] = 4
    """Deliveries side by side to one host, so that a slow one does not hold up others."""
    notification_lease_s: Annotated[float, Field(gt=0, le=600)] = 60.0
    """A delivery that has not been recorded after this long is made again, by anybody; longer than any attempt."""
    notification_poll_s: Annotated[float, Field(gt=0, le=10)] = 1.0
    """How often the queue is looked at when nothing else says that there is work."""
    notifications_kept_days: Annotated[int, Field(ge=1)] = 30
    """Life of finished notifications and their delivery log."""
    webhook_failing_days: Annotated[float, Field(gt=0)] = 5.0
    """An endpoint without a single success for this long is disabled."""

    @property
    def retry_pauses_s(self) -> tuple[int, ...]:
        return tuple(int(text) for text in self.notification_retry_after_s.split(","))


class WebhookSettings(DatabaseSettings):
    webhook_key_file: Path
    """AES-256 key that seals the secrets of webhook endpoints."""
    webhook_targets: Targets = "public"
    """`development` also calls this machine, over plain http and at any port; private addresses stay refused."""
    webhook_ports: Annotated[str, Field(pattern=_NUMBERS)] = "443,8443"
    """Ports that a public endpoint may have."""
    webhook_timeout_s: Annotated[float, Field(gt=0, le=30)] = 15.0
    """Longest time for one call, the name's resolution included."""
    webhook_answer_bytes: Annotated[int, Field(ge=0, le=65_536)] = 1024
    """How much of an answer is read and kept in the delivery log."""
    webhook_endpoints_per_owner: Annotated[int, Field(ge=1, le=100)] = 10
    """How many endpoints one owner may have."""
    webhook_secret_overlap_h: Annotated[float, Field(ge=0, le=168)] = 24.0
    """How long a secret that was rotated out still signs, beside the new one."""

    @property
    def target_rules(self) -> TargetRules:
        return TargetRules(self.webhook_targets, tuple(int(port) for port in self.webhook_ports.split(",")))


class MailSettings(DatabaseSettings):
    smtp_host: str = "127.0.0.1"
    """The mail server that mails are handed over to."""
    smtp_port: Port = 587
    """Its port."""
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    """`none` is for the mail sink of development."""
    smtp_user: str = ""
    """Empty: no authentication."""
    smtp_password_file: Path | None = None
    """The password of that user, alone in a file."""
    smtp_timeout_s: Annotated[float, Field(gt=0, le=30)] = 15.0
    """Longest time for handing over one mail."""
    mail_from: str = "Fundline <no-reply@fundline.example>"
    """Sender of every mail; its domain is also that of the Message-IDs."""
    mail_unsubscribe: Annotated[str, Field(pattern=r"^(mailto:|https://)[!-;=?-~]+$")] = (
        "mailto:unsubscribe@fundline.example"
    )
    """Where a mail program takes whoever wants no more mails (`List-Unsubscribe`): an address, or a page of yours that
    switches them off by the API."""


class Settings(DeliverySettings, WebhookSettings, MailSettings, KafkaSettings, TokenSettings):
    """The notification service."""

    notification_event_age_h: Annotated[float, Field(ge=1)] = 72.0
    """What became true longer ago is told to nobody. Longer than any outage that events are to survive untold."""
