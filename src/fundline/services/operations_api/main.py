"""Composition root of the operations API."""

from fundline.platform.database import open_database
from fundline.platform.http.api import api
from fundline.platform.http.tokens import TokenVerifier
from fundline.platform.process import Service, run_process
from fundline.platform.telemetry.metrics import Metrics
from fundline.services.operations_api.audit import AuditTrail
from fundline.services.operations_api.case_resolution import CaseResolution
from fundline.services.operations_api.cases import Cases
from fundline.services.operations_api.correction_routes import correction_routes
from fundline.services.operations_api.corrections import LedgerCorrections
from fundline.services.operations_api.dead_letter_bulk import BulkReplay
from fundline.services.operations_api.dead_letter_replay import DeadLetterReplay
from fundline.services.operations_api.dead_letter_routes import dead_letter_routes
from fundline.services.operations_api.dead_letters import DeadLetters
from fundline.services.operations_api.disbursement_routes import disbursement_routes
from fundline.services.operations_api.disbursements import Disbursements
from fundline.services.operations_api.releases import Releases
from fundline.services.operations_api.routes import audit_routes, case_routes
from fundline.services.operations_api.settings import Settings


def main() -> None:
    settings = Settings()

    async def build(_: Metrics) -> Service:
        database = await open_database(settings)
        tokens = TokenVerifier(settings)
        return Service(
            app=api(
                [
                    *case_routes(tokens, Cases(database), CaseResolution(database)),
                    *dead_letter_routes(
                        tokens, DeadLetters(database), DeadLetterReplay(database), BulkReplay(database)
                    ),
                    *disbursement_routes(tokens, Disbursements(database), Releases(database)),
                    *correction_routes(tokens, LedgerCorrections(database)),
                    *audit_routes(tokens, AuditTrail(database)),
                ]
            ),
            database=database,
            close=[database.close],
        )

    run_process(settings, build)


if __name__ == "__main__":
    main()
