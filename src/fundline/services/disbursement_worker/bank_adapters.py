"""Which bank the worker talks to, by setting."""

from collections.abc import Awaitable, Callable

from fundline.platform.clock import utc_now
from fundline.platform.http.client import HttpClient, JsonClient
from fundline.platform.telemetry.metrics import Metrics
from fundline.services.disbursement_worker.iso20022_bank import ByFiles, Iso20022Bank, OverHttp
from fundline.services.disbursement_worker.iso20022_messages import Debtor
from fundline.services.disbursement_worker.payment_gateway import CountedBank, PaymentGateway
from fundline.services.disbursement_worker.sandbox_bank import SandboxBank
from fundline.services.disbursement_worker.settings import BankSettings


def open_bank(
    settings: BankSettings, metrics: Metrics
) -> tuple[PaymentGateway, list[Callable[[], Awaitable[None]]]]:
    """The gateway, every call of it counted, and how to close it. Raises ValueError when the settings contradict."""
    timeout_s = settings.bank_timeout_s
    if settings.bank_adapter == "sandbox":
        json_client = JsonClient(settings.bank_url, timeout_s=timeout_s)
        return CountedBank(SandboxBank(json_client), metrics), [json_client.close]
    debtor = Debtor(settings.bank_debtor_name, settings.bank_debtor_iban, settings.bank_debtor_bic)
    if settings.bank_iso_transport == "http":
        client = HttpClient(settings.bank_url, timeout_s=timeout_s)
        return CountedBank(Iso20022Bank(OverHttp(client), debtor, now=utc_now), metrics), [client.close]
    if settings.bank_iso_folder is None:
        raise ValueError("FUNDLINE_BANK_ISO_TRANSPORT is files, so FUNDLINE_BANK_ISO_FOLDER must be set.")
    by_files = ByFiles(settings.bank_iso_folder, timeout_s=timeout_s)
    return CountedBank(Iso20022Bank(by_files, debtor, now=utc_now), metrics), []
