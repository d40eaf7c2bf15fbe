from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from fundline.platform.flags import FlagSettings
from fundline.platform.settings import DatabaseSettings, KafkaSettings, ProcessSettings


class BankSettings(ProcessSettings):
    """Which bank, and how it is spoken to."""

    bank_url: str
    """Base address of the bank."""
    bank_timeout_s: Annotated[float, Field(gt=0, le=60)] = 5.0
    """Longest time for one call of the bank; then the payment is unknown, not failed."""
    bank_adapter: Literal["sandbox", "iso20022"] = "sandbox"
    """The bank's own HTTP API, or ISO 20022 messages."""
    bank_iso_transport: Literal["http", "files"] = "http"
    """How ISO 20022 messages travel."""
    bank_iso_folder: Path | None = None
    """Of the transport by files: its folders `to-bank`, `from-bank` and `taken`, which the bank shares and makes."""
    bank_debtor_name: Annotated[str, Field(min_length=1, max_length=140)] = "Fundline"
    """Who pays, in ISO 20022 messages."""
    bank_debtor_iban: str = "DE89370400440532013000"
    """The account that pays, in ISO 20022 messages."""
    bank_debtor_bic: str = "COBADEFFXXX"
    """The bank of that account."""


class Settings(BankSettings, DatabaseSettings, KafkaSettings, FlagSettings):
    bank_breaker_open_s: Annotated[float, Field(gt=0, le=60)] = 1.0
    """How long the bank is left alone after five failures in a row, and between two look-ups that try it."""
    bank_webhook_secret_file: Path
    """The secret that the bank signs its webhooks with, in the form of Standard Webhooks."""
    account_key_file: Path
    """AES-256 key that opens payout accounts."""
    payment_escalation_s: Annotated[float, Field(gt=0)] = 900.0
    """How long a payment may be with the bank without a result before a person must look."""
    sweep_every_s: Annotated[float, Field(gt=0, le=60)] = 0.5
    """Pause between two looks for payments whose next step is due."""

    @property
    def probe_lasts_s(self) -> float:
        """Longer than any call lasts: a second probe while the first still waits would be one too many."""
        return 2 * self.bank_timeout_s + 5

    @property
    def step_lasts(self) -> timedelta:
        """A look-up, a payment, and some time for the database: then another worker may take the payment over."""
        return timedelta(seconds=2 * self.bank_timeout_s + 2)
