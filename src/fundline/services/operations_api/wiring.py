"""Each endpoint of the operations API with the use case that does it."""

from fundline.platform.database import Database
from fundline.platform.flag_file import FlagFile
from fundline.platform.http.endpoints import Bound
from fundline.risk.packaged import PackagedModels
from fundline.services.operations_api.audit import routes as audit
from fundline.services.operations_api.audit.reading import AuditTrail
from fundline.services.operations_api.cases import routes as cases
from fundline.services.operations_api.cases.deeds import CaseResolution
from fundline.services.operations_api.cases.reading import Cases
from fundline.services.operations_api.corrections import routes as corrections
from fundline.services.operations_api.corrections.deeds import LedgerCorrections
from fundline.services.operations_api.corrections.reading import Corrections
from fundline.services.operations_api.dead_letters import routes as dead_letters
from fundline.services.operations_api.dead_letters.bulk import BulkReplay
from fundline.services.operations_api.dead_letters.deeds import DeadLetterReplay
from fundline.services.operations_api.dead_letters.reading import DeadLetters
from fundline.services.operations_api.funding import routes as funding
from fundline.services.operations_api.funding.deeds import Funding
from fundline.services.operations_api.models import routes as models
from fundline.services.operations_api.models.deeds import ModelDeeds
from fundline.services.operations_api.models.reading import Models
from fundline.services.operations_api.payment_endings import routes as payment_endings
from fundline.services.operations_api.payment_endings.deeds import PaymentEndings
from fundline.services.operations_api.payment_endings.reading import Endings
from fundline.services.operations_api.payments import routes as payments
from fundline.services.operations_api.payments.another_account import AccountRequests
from fundline.services.operations_api.payments.deeds import Releases
from fundline.services.operations_api.payments.reading import Payments
from fundline.services.operations_api.payments.refusal import ReleaseRefusals
from fundline.services.operations_api.payments_switch import routes as payments_switch
from fundline.services.operations_api.payments_switch.deeds import SwitchDeeds
from fundline.services.operations_api.payments_switch.reading import Switch


def bound(database: Database, flags: FlagFile) -> list[Bound]:
    """Each endpoint with the use case that does it."""
    packaged = PackagedModels()
    return [
        *cases.bound(Cases(database), CaseResolution(database)),
        *dead_letters.bound(DeadLetters(database), DeadLetterReplay(database), BulkReplay(database)),
        *payments.bound(
            Payments(database), Releases(database), ReleaseRefusals(database), AccountRequests(database)
        ),
        *payment_endings.bound(Endings(database), PaymentEndings(database)),
        *corrections.bound(Corrections(database), LedgerCorrections(database)),
        *funding.bound(Funding(database)),
        *audit.bound(AuditTrail(database)),
        *payments_switch.bound(Switch(database, flags), SwitchDeeds(database, flags)),
        *models.bound(Models(database, flags, packaged), ModelDeeds(database, flags, packaged)),
    ]
