from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from fundline.platform.settings import ProcessSettings


class BankSettings(ProcessSettings):
    """Which bank, and how it is spoken to."""

    bank_url: str
    """Base address of the bank."""
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
