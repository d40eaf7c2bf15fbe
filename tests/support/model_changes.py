"""Models that can be promoted, and decisions to judge them by, without scoring anything."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from fundline.commands.model.deeds import Author
from fundline.platform.clock import new_id
from fundline.platform.command_errors import CommandFailed
from fundline.platform.database import Database

CHAMPION, CHALLENGER = "scorecard-2", "lightgbm-1"
AUTHOR = Author("uma", "The figures are good.")
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
            raise CommandFailed(f"{version} cannot be used. Its checksum is wrong.")


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
