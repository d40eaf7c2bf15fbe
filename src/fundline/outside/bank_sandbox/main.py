"""Composition root of the sandbox bank."""

from fundline.outside.bank_sandbox.admin_routes import admin_routes
from fundline.outside.bank_sandbox.bank import Bank, Terms
from fundline.outside.bank_sandbox.bookkeeper import Bookkeeper
from fundline.outside.bank_sandbox.conduct import ByTheRules
from fundline.outside.bank_sandbox.faults import FaultBook
from fundline.outside.bank_sandbox.iso_folder import MailRoom
from fundline.outside.bank_sandbox.iso_routes import iso_routes
from fundline.outside.bank_sandbox.misbehaviour import Doors
from fundline.outside.bank_sandbox.outcomes import Outcomes
from fundline.outside.bank_sandbox.routes import bank_routes
from fundline.outside.bank_sandbox.settings import Settings
from fundline.outside.bank_sandbox.webhooks import Herald
from fundline.platform.clock import new_id, utc_now
from fundline.platform.http.api import api
from fundline.platform.http.sockets import CuttableProtocol
from fundline.platform.process import Background, Service, run_process
from fundline.platform.telemetry.metrics import Metrics


def main() -> None:
    settings = Settings()

    async def build(_: Metrics) -> Service:
        bookkeeper, faults, doors = Bookkeeper(settings.bank_database), FaultBook(), Doors()
        outcomes = Outcomes(bookkeeper, now=utc_now, fresh_id=new_id)
        conduct = ByTheRules(settings.bank_delay_ms / 1000, faults)
        terms = Terms(
            settings.bank_max_in_process,
            settings.bank_settlement_delay_ms,
            has_webhook=settings.bank_webhook_url is not None,
            tells_of_all=settings.bank_webhook_for == "all",
        )
        bank = Bank(bookkeeper, conduct, outcomes, terms=terms, now=utc_now, fresh_id=new_id)
        background: list[Background] = [bookkeeper, outcomes]
        close = [bookkeeper.close]
        if settings.bank_webhook_url is not None and settings.bank_webhook_secret_file is not None:
            secret = settings.bank_webhook_secret_file.read_text().strip()
            herald = Herald(bookkeeper, outcomes, settings.bank_webhook_url, secret, now=utc_now)
            background.append(herald)
            close.append(herald.close)
        if settings.bank_iso_folder is not None:
            background.append(MailRoom(settings.bank_iso_folder, bank, now=utc_now))
        routes = [*bank_routes(bank, doors), *iso_routes(bank, doors, utc_now), *admin_routes(bank, faults)]
        return Service(
            app=api(routes),
            background=background,
            checks={"ledger": bookkeeper.is_ready},
            close=close,
            on_drain=doors.leave,
            protocol=CuttableProtocol,
        )

    run_process(settings, build)


if __name__ == "__main__":
    main()
