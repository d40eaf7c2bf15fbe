"""Composition root of the operations API."""

from functools import partial

from fundline.platform.database import open_database
from fundline.platform.flag_file import FlagFile
from fundline.platform.http.api import api
from fundline.platform.http.endpoints import served
from fundline.platform.http.tokens import TokenVerifier
from fundline.platform.process import Service, run_process
from fundline.platform.telemetry.metrics import Metrics
from fundline.records.references import application_id_of
from fundline.services.operations_api.payments_switch.journal import JournalKeeper
from fundline.services.operations_api.settings import Settings
from fundline.services.operations_api.wiring import bound


def main() -> None:
    settings = Settings()

    async def build(_: Metrics) -> Service:
        database = await open_database(settings)
        flags = FlagFile(settings.flags_file, settings.flags_provider)
        return Service(
            app=api(
                served(
                    TokenVerifier(settings),
                    bound(database, flags),
                    find=partial(application_id_of, database),
                )
            ),
            background=[JournalKeeper(database, flags.path)],
            database=database,
            close=[database.close],
        )

    run_process(settings, build)


if __name__ == "__main__":
    main()
