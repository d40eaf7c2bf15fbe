from pathlib import Path
from typing import Annotated

from pydantic import Field

from fundline.platform.settings import DatabaseSettings, KafkaSettings


class Settings(DatabaseSettings, KafkaSettings):
    bank_url: str
    bank_timeout_s: Annotated[float, Field(gt=0, le=60)] = 5.0
    account_key_file: Path
    """AES-256 key that opens payout accounts."""
    payment_resolution_s: Annotated[float, Field(gt=0)] = 900.0
    """How long a payment without a result is asked for again before a person must look at it."""
