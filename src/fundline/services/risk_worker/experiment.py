"""Which model decides about whom, and which one only looks on.

Four flags, each a plain string, so that every flag provider can hold them. A percentage provider gives a person the
same answer each time and only adds people when a share grows (see docs/adr/0018). A version that was tripped is not
chosen and not asked in the shadow, whatever the flags say; only the built-in champion has nobody to give way to.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Literal, TypeAlias

from fundline.platform.database import Database
from fundline.platform.flags import Flags
from fundline.platform.loop import Loop
from fundline.platform.telemetry.metrics import Metrics
from fundline.records.model_changes import tripped_versions
from fundline.records.model_flags import (
    CHALLENGER_FLAG,
    CHAMPION_FLAG,
    NONE,
    OFF,
    OTHER,
    RISK_MODEL,
    SHADOW_FLAG,
)
from fundline.services.risk_worker.metrics import ScoringMetrics

BUILT_IN_CHAMPION = "scorecard-2"
"""Decides when there are no flags: it is the model that every risk worker has in process."""
_NOBODY = "fundline"

Role: TypeAlias = Literal["champion", "challenger"]


@dataclass(frozen=True, slots=True)
class Choice:
    """`variant` is the flag's; None when no flag decided. `reason`: of the flag, or `tripped`."""

    version: str
    role: Role
    variant: str | None
    shadow: str | None
    reason: str = "STATIC"


class Experiment:
    def __init__(self, flags: Flags, tripped: Callable[[], Collection[str]], metrics: Metrics) -> None:
        self._flags, self._tripped = flags, tripped
        self._choices = metrics.of(ScoringMetrics).model_choices

    def choose(self, applicant: str) -> Choice:
        """In memory, under a millisecond; never raises."""
        tripped = self._tripped()
        champion, challenger = self.pair(applicant)
        flag = self._flags.string(RISK_MODEL, champion, targeting_key=applicant)
        version, reason = flag.value, flag.reason
        if version in tripped:
            version, reason = champion, "tripped"
        role: Role = "champion" if version == champion else "challenger"
        self._choices.labels(version, role, reason).inc()
        return Choice(
            version=version,
            role=role,
            variant=flag.variant,
            shadow=self._shadow(applicant, version, champion, challenger, tripped),
            reason=reason,
        )

    def pair(self, applicant: str = _NOBODY) -> tuple[str, str | None]:
        """The champion and the challenger now. A champion that was tripped gives way to the built-in one."""
        champion = self._flags.string(CHAMPION_FLAG, BUILT_IN_CHAMPION, targeting_key=applicant).value
        if champion in self._tripped():
            champion = BUILT_IN_CHAMPION
        challenger = self._flags.string(CHALLENGER_FLAG, NONE, targeting_key=applicant).value
        return champion, None if challenger in (NONE, champion) else challenger

    def _shadow(
        self, applicant: str, version: str, champion: str, challenger: str | None, tripped: Collection[str]
    ) -> str | None:
        asked = self._flags.string(SHADOW_FLAG, OFF, targeting_key=applicant).value
        if asked == OTHER:
            shadow = challenger if version == champion else champion
        else:
            shadow = None if asked == OFF else asked
        return None if shadow == version or shadow in tripped else shadow


class TrippedVersions(Loop):
    """The versions that are switched off, read again every second. Away database: what was known stays."""

    def __init__(self, database: Database, *, every_s: float = 1.0) -> None:
        super().__init__("tripped-versions", every_s=every_s)
        self._database = database
        self._versions: frozenset[str] = frozenset()

    def __call__(self) -> frozenset[str]:
        return self._versions

    async def refresh(self) -> None:
        """Raises DatabaseUnavailable."""
        versions = await tripped_versions(self._database)
        if versions != self._versions:
            self._log.warning(
                "model.tripped_versions", versions=sorted(versions), before=sorted(self._versions)
            )
        self._versions = versions

    async def turn(self) -> None:
        await self.refresh()
