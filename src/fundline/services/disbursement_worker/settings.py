from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import Field

from fundline.banks.settings import BankSettings
from fundline.platform.flags import FlagSettings
from fundline.platform.settings import DatabaseSettings, KafkaSettings


class Settings(BankSettings, DatabaseSettings, KafkaSettings, FlagSettings):
    bank_timeout_s: Annotated[float, Field(gt=0, le=60)] = 5.0
    """Longest time for one call of the bank; then the payment is unknown, not failed."""
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
