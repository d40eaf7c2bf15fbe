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
    bank_message_version: Literal["pain.001.001.09", "pain.001.001.03"] = "pain.001.001.09"
    """Of the orders, in ISO 20022. What the bank answers is read in every version that is in use."""
    bank_charge_bearer: Literal["SHAR", "DEBT", "CRED"] = "SHAR"
    """Who bears the charges of a payment outside of SEPA, in ISO 20022; within SEPA it is SLEV."""
    bank_time_zone: str = "Europe/Berlin"
    """Where the bank's days begin: an order is to be executed on its day, not on that of UTC."""
    bank_calendar: str = "XECB"
    """Which days the bank works on: a market of the package `holidays` (XECB, XFED), or a country (GB)."""
