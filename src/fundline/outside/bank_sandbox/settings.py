from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from fundline.platform.settings import ProcessSettings


class Settings(ProcessSettings):
    bank_database: Path
    """The bank's ledger, a SQLite file; made when it is absent. One bank process per file."""
    bank_delay_ms: Annotated[int, Field(ge=0, le=60_000)] = 50
    """How long the bank works on an order after it has read it."""
    bank_settlement_delay_ms: Annotated[int, Field(ge=0, le=86_400_000)] = 0
    """0: an order is settled before it is answered. More: it is accepted, and settled after this time."""
    bank_max_in_process: Annotated[int, Field(ge=1, le=100_000)] = 2000
    """Orders in work at once; one more is answered 429."""
    bank_iso_folder: Path | None = None
    """Where ISO 20022 messages come and go as files; made when it is absent. Without it, over HTTP only."""
    bank_webhook_url: str | None = None
    """Where the bank tells of outcomes, one address or several behind commas; without it, it tells nobody."""
    bank_webhook_secret_file: Path | None = None
    """The secret that signs webhooks, in Standard Webhooks' form (`whsec_...`); needed with an address."""
    bank_webhook_for: Literal["accepted", "all"] = "accepted"
    """Which outcomes the bank tells of: only those that it did not give in its answer to the order, or all."""

    @model_validator(mode="after")
    def _webhooks_are_signed(self) -> "Settings":
        if self.bank_webhook_url is not None and self.bank_webhook_secret_file is None:
            raise ValueError("FUNDLINE_BANK_WEBHOOK_URL needs FUNDLINE_BANK_WEBHOOK_SECRET_FILE.")
        return self
