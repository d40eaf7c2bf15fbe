from pathlib import Path
from typing import Annotated

from pydantic import Field

from fundline.platform.settings import DatabaseSettings, KafkaSettings, TokenSettings


class Settings(DatabaseSettings, TokenSettings):
    account_key_file: Path
    """AES-256 key that seals payout accounts."""
    reference_refresh_s: Annotated[float, Field(gt=0)] = 3600.0
    """How often sectors and states are read again."""


class EventsSettings(DatabaseSettings, KafkaSettings):
    """The API's consumer."""
