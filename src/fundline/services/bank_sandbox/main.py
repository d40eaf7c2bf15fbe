"""Composition root of the sandbox bank."""

from fundline.platform.clock import new_id, utc_now
from fundline.platform.http.api import api
from fundline.platform.process import Service, run_process
from fundline.platform.telemetry.metrics import Metrics
from fundline.services.bank_sandbox.bookkeeper import Bookkeeper
from fundline.services.bank_sandbox.conduct import Punctual
from fundline.services.bank_sandbox.routes import bank_routes
from fundline.services.bank_sandbox.settings import Settings
from fundline.services.bank_sandbox.use_cases import Bank


def main() -> None:
    settings = Settings()

    async def build(_: Metrics) -> Service:
        bookkeeper = Bookkeeper(settings.bank_database)
        bank = Bank(
            bookkeeper,
            Punctual(settings.bank_delay_ms / 1000),
            max_in_process=settings.bank_max_in_process,
            now=utc_now,
            fresh_id=new_id,
        )
        return Service(
            app=api(bank_routes(bank)),
            background=[bookkeeper.watch],
            checks={"ledger": bookkeeper.is_ready},
            close=[bookkeeper.close],
        )

    run_process(settings, build)


if __name__ == "__main__":
    main()
