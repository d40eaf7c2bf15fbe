"""Which bank we talk to, by setting. Nothing else names an adapter."""

from fundline.banks.bank import Bank
from fundline.banks.guard import GuardedBank
from fundline.banks.iso20022 import Iso20022Bank, OverHttp
from fundline.banks.iso20022_files import ByFiles
from fundline.banks.profile import profile_of
from fundline.banks.sandbox import SandboxBank
from fundline.banks.settings import BankSettings
from fundline.platform.clock import utc_now
from fundline.platform.http.client import JsonClient
from fundline.platform.telemetry.metrics import Metrics


def open_bank(
    settings: BankSettings,
    metrics: Metrics,
    *,
    name: str = "bank",
    timeout_s: float,
    open_for_s: float = 1.0,
    probe_lasts_s: float = 30.0,
) -> GuardedBank:
    """The bank of the settings behind its guard. `name` is the breaker's. Raises ValueError when they contradict."""
    adapter = open_adapter(settings, timeout_s=timeout_s)
    return GuardedBank(name, adapter, metrics, open_for_s=open_for_s, probe_lasts_s=probe_lasts_s)


def open_adapter(settings: BankSettings, *, timeout_s: float) -> Bank:
    """Without a guard: for somebody who asks once and waits for the answer. Raises ValueError."""
    if settings.bank_adapter == "sandbox":
        return open_sandbox(settings.bank_url, timeout_s=timeout_s)
    profile = profile_of(settings)
    if settings.bank_iso_transport == "http":
        client = JsonClient(settings.bank_url, timeout_s=timeout_s)
        return Iso20022Bank(OverHttp(client), profile, now=utc_now)
    if settings.bank_iso_folder is None:
        raise ValueError("FUNDLINE_BANK_ISO_TRANSPORT is files, so FUNDLINE_BANK_ISO_FOLDER must be set.")
    by_files = ByFiles(settings.bank_iso_folder, timeout_s=timeout_s, now=utc_now)
    return Iso20022Bank(by_files, profile, now=utc_now)


def open_sandbox(url: str, *, timeout_s: float) -> Bank:
    """The sandbox bank by its own API, however payments go to it: whoever checks us asks it in its own words."""
    return SandboxBank(JsonClient(url, timeout_s=timeout_s))
