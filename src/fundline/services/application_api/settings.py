from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import Field

from fundline.platform.settings import DatabaseSettings, KafkaSettings, TokenSettings
from fundline.services.application_api.quota import Quota


class Settings(DatabaseSettings, TokenSettings):
    account_key_file: Path
    """AES-256 key that seals payout accounts."""
    submissions_per_applicant: Annotated[int, Field(ge=1, le=1_000_000)] = 20
    """How many applications one applicant may submit within a window; more answer 429."""
    submissions_per_partner: Annotated[int, Field(ge=1, le=1_000_000)] = 2000
    """The same for a partner, who submits for many businesses."""
    submissions_window_s: Annotated[float, Field(ge=1, le=604_800)] = 3600.0
    """How long the window lasts; it begins with its first submission."""
    reference_refresh_s: Annotated[float, Field(gt=0)] = 3600.0
    """How often sectors and states are read again."""

    @property
    def quota(self) -> Quota:
        return Quota(
            self.submissions_per_applicant,
            self.submissions_per_partner,
            timedelta(seconds=self.submissions_window_s),
        )


class EventsSettings(DatabaseSettings, KafkaSettings):
    """The API's consumer."""
