"""Models that can be promoted, and decisions to judge them by, without scoring anything."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from fundline.contracts.roles import Role
from fundline.platform.clock import new_id
from fundline.platform.database import Database
from fundline.platform.identity import Caller
from fundline.risk.manifest import ModelRefused
from fundline.services.operations_api.models.answers import ModelChange
from fundline.services.operations_api.models.deeds import ModelDeeds
from fundline.services.operations_api.models.schemas import PromotionRequest
from support.writes import once

CHAMPION, CHALLENGER = "scorecard-2", "lightgbm-1"
FIRST, SECOND = Caller("otto", Role.OPERATOR), Caller("uma", Role.OPERATOR)
REASON = "The figures are good."
INSERT_ASSESSMENT = """
insert into risk_assessments (application_id, assessment, risk_score, verdict, principal_reasons, evidence,
                              model_version, policy_version, assessed_at, model_asked, fallback_cause, shadow)
values ($1, 1, $2, $3, '[]', '{}', $4, 'tests-1', $5, $4, $6, $7::jsonb)
"""


class MadeUpModels:
    """Artefacts that load, all but the `broken` ones."""

    def __init__(self, *broken: str, known: Sequence[str] = (CHALLENGER, CHAMPION)) -> None:
        self._known, self._broken = known, broken

    def versions(self) -> Sequence[str]:
        return self._known

    def refuse_unloadable(self, version: str) -> None:
        if version in self._broken:
            raise ModelRefused("Its checksum is wrong.")


class TwoPeople:
    """Otto asks, uma agrees."""

    def __init__(self, deeds: ModelDeeds) -> None:
        self._deeds = deeds

    async def promote(
        self, version: str, share: int, *, reset: bool = False, force: bool = False
    ) -> ModelChange:
        asked = PromotionRequest.model_validate(
            {"sharePercent": share, "reason": REASON, "reset": reset, "force": force}
        )
        first = await self._deeds.promote(FIRST, version, asked, once(FIRST.subject))
        assert first.state == "asked"
        return await self._deeds.promote(SECOND, version, asked, once(SECOND.subject))

    async def rollback(self) -> ModelChange:
        return await self._deeds.rollback(SECOND, REASON, once(SECOND.subject))

    async def reset(self, version: str) -> ModelChange:
        await self._deeds.reset(FIRST, version, REASON, once(FIRST.subject))
        return await self._deeds.reset(SECOND, version, REASON, once(SECOND.subject))


async def decisions(
    database: Database,
    version: str,
    count: int,
    *,
    verdict: str = "approved",
    failed: bool = False,
    ago: timedelta = timedelta(0),
    score: str = "0.1000",
    shadow: tuple[str, str, str] | None = None,
) -> None:
    """`count` decisions of a version that was asked. `shadow`: version, verdict, score."""
    looked_on = None
    if shadow is not None:
        looked_on = json.dumps(dict(zip(("modelVersion", "verdict", "riskScore"), shadow, strict=True)))
    at = datetime.now(UTC) - ago
    cause = "the model service gave no answer" if failed else None
    rows = [(new_id(), Decimal(score), verdict, version, at, cause, looked_on) for _ in range(count)]
    async with database.transaction() as connection:
        await connection.executemany(INSERT_ASSESSMENT, rows)
