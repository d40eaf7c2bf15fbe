"""What one bank wants of our messages: who pays, in which version, who bears the charges, on which day."""

from dataclasses import dataclass

from schwifty import BIC, IBAN
from schwifty.exceptions import SchwiftyException

from fundline.banks.business_days import BusinessDays
from fundline.banks.settings import BankSettings
from fundline.platform.iso20022 import MessageKind


@dataclass(frozen=True, slots=True)
class Debtor:
    """Who pays: the lender and its account at the bank."""

    name: str
    iban: str
    bic: str

    def __post_init__(self) -> None:
        try:
            IBAN(self.iban, validate_bban=True)
            BIC(self.bic)
        except SchwiftyException:
            raise ValueError(
                "FUNDLINE_BANK_DEBTOR_IBAN and FUNDLINE_BANK_DEBTOR_BIC must be an IBAN and a BIC."
            ) from None


@dataclass(frozen=True, slots=True)
class BankProfile:
    """`charge_bearer` is for payments outside of SEPA; within it, both bear their own (SLEV)."""

    debtor: Debtor
    days: BusinessDays
    version: MessageKind = MessageKind.CREDIT_TRANSFER
    charge_bearer: str = "SHAR"


def profile_of(settings: BankSettings) -> BankProfile:
    """Raises ValueError for what no bank can have."""
    return BankProfile(
        Debtor(settings.bank_debtor_name, settings.bank_debtor_iban, settings.bank_debtor_bic),
        BusinessDays(settings.bank_time_zone, settings.bank_calendar),
        MessageKind(settings.bank_message_version),
        settings.bank_charge_bearer,
    )
