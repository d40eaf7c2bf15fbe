"""Composition root of the Application API."""

from functools import partial

from fundline.platform.database import open_database
from fundline.platform.http.api import api
from fundline.platform.http.endpoints import served
from fundline.platform.http.tokens import TokenVerifier
from fundline.platform.process import Service, run_process
from fundline.platform.secrets import SecretBox
from fundline.platform.telemetry.metrics import Metrics
from fundline.records.references import application_id_of
from fundline.services.application_api.another_account import AnotherAccount
from fundline.services.application_api.reading import Reading
from fundline.services.application_api.reassessment import Reassessment
from fundline.services.application_api.reference import ReferenceData
from fundline.services.application_api.review import Review
from fundline.services.application_api.routes import bound
from fundline.services.application_api.settings import Settings
from fundline.services.application_api.submission import Submission


def main() -> None:
    settings = Settings()

    async def build(metrics: Metrics) -> Service:
        database = await open_database(settings)
        reference = ReferenceData(database, every_s=settings.reference_refresh_s)
        await reference.load()
        box = SecretBox(settings.account_key_file)
        submission = Submission(database, box, reference, metrics, quota=settings.quota)
        offered = bound(
            submission,
            Reading(database),
            Review(database),
            Reassessment(database),
            AnotherAccount(database, box),
            reference,
        )
        return Service(
            app=api(
                served(TokenVerifier(settings), offered, find=partial(application_id_of, database)),
            ),
            background=[reference],
            database=database,
            close=[database.close],
        )

    run_process(settings, build)


if __name__ == "__main__":
    main()
