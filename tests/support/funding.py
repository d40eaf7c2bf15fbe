"""What a lender has committed, changed by two people as the operations API does it."""

from fundline.contracts.roles import Role
from fundline.domain.money import Money
from fundline.platform.database import Database
from fundline.platform.identity import Caller
from fundline.services.operations_api.funding.answers import FundingCommitment
from fundline.services.operations_api.funding.deeds import Funding
from fundline.services.operations_api.funding.schemas import CommitmentRequest
from support.writes import once

OTTO, OLGA = Caller("otto", Role.OPERATOR), Caller("olga", Role.OPERATOR)


async def agreed(funding: Funding, request: CommitmentRequest) -> FundingCommitment:
    proposed = await funding.propose(OTTO, request, once("otto", status=201))
    return await funding.agree(OLGA, proposed.id, "The letter is here.", once("olga"))


async def commit_more(database: Database, amount: Money) -> None:
    request = CommitmentRequest(
        account="lender_funding",
        currency=amount.currency,
        amount=amount.text(),
        reason="Letter of the lender.",
    )
    await agreed(Funding(database), request)
