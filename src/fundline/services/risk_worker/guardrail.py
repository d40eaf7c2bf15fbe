"""The guardrail: switches a challenger off that fails, or approves, otherwise than the champion.

Runs in every risk worker; the one that holds the advisory lock looks. A trip is a row in `model_changes`, so that it
works with every flag provider and is in force in all workers when they next read the tripped versions: within a second.
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import Field

from fundline.platform.clock import Clock, utc_now
from fundline.platform.database import Candidate, LeaderConnection, translated
from fundline.platform.loop import Loop
from fundline.platform.refusals import Unavailable
from fundline.platform.settings import DatabaseSettings
from fundline.platform.telemetry.metrics import Metrics
from fundline.records.model_changes import record_change
from fundline.services.risk_worker import experiment_store
from fundline.services.risk_worker.drift import Drift, Limits, Tally, find_drift
from fundline.services.risk_worker.experiment import Experiment
from fundline.services.risk_worker.metrics import ScoringMetrics

SOURCE, ACTOR = "risk-worker", "guardrail"
WINDOWS = tuple(timedelta(minutes=minutes) for minutes in (1, 10, 60, 24 * 60, 7 * 24 * 60))
"""The shortest window with enough decisions of the challenger is judged. With much traffic the guardrail is quick and
its query reads few rows; with little traffic it is patient."""
_BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)


class GuardrailSettings(DatabaseSettings):
    guardrail_every_s: Annotated[float, Field(gt=0, le=1.5)] = 1.5
    """Pause between two looks, and between two tries to lead."""
    guardrail_lock_id: int = 7_204_002
    """The advisory lock that the watching risk worker holds; the same for all risk workers of one database."""
    guardrail_window_decisions: Annotated[int, Field(ge=20)] = 200
    """Decisions of the challenger that make a window long enough; at most seven days are looked at."""
    guardrail_least_decisions: Annotated[int, Field(ge=10)] = 20
    """Below this number of decisions of either model nothing is judged."""
    guardrail_error_margin: Annotated[float, Field(gt=0, lt=1)] = 0.05
    """How much more often than the champion the challenger may fail to answer, as a difference of rates."""
    guardrail_approval_margin: Annotated[float, Field(gt=0, lt=1)] = 0.15
    """How far the challenger's approval rate may lie from the champion's, as a difference of rates."""
    guardrail_z: Annotated[float, Field(ge=2)] = 3.5
    """Standard errors beyond a margin that switch the challenger off."""

    @property
    def guardrail_limits(self) -> Limits:
        return Limits(
            self.guardrail_least_decisions,
            self.guardrail_error_margin,
            self.guardrail_approval_margin,
            self.guardrail_z,
        )


class Guardrail(Loop):
    def __init__(
        self, settings: GuardrailSettings, experiment: Experiment, metrics: Metrics, *, now: Clock = utc_now
    ) -> None:
        super().__init__("guardrail", every_s=settings.guardrail_every_s)
        self._settings, self._experiment, self._now = settings, experiment, now
        self._metrics = metrics.of(ScoringMetrics)
        self._candidate = Candidate(settings, settings.guardrail_lock_id)

    async def turn(self) -> None:
        connection = await self._candidate.try_to_lead()
        self._metrics.guardrail_leader.set(int(connection is not None))
        if connection is not None:
            await self.look(connection)

    def interrupted(self, away: Unavailable) -> None:
        self._metrics.guardrail_leader.set(0)
        self._candidate.resign()
        super().interrupted(away)

    async def ended(self) -> None:
        self._candidate.resign()

    async def look(self, connection: LeaderConnection) -> Drift | None:
        """One look; the drift for which the challenger was switched off by it. Raises DatabaseUnavailable."""
        champion, challenger = self._experiment.pair()
        if challenger is None:
            return None
        async with translated(), connection.transaction():
            since = await self._since(connection, challenger)
            if since is None:
                return None
            tallies = await self._window(connection, champion, challenger, since)
            drift = find_drift(*tallies, self._settings.guardrail_limits)
            if drift is not None:
                await record_change(
                    connection,
                    "tripped",
                    challenger,
                    source=SOURCE,
                    actor=ACTOR,
                    reason=drift.sentence,
                    figures=_figures(drift, *tallies),
                )
        if drift is not None:
            self._metrics.model_trips.labels(challenger, drift.cause).inc()
            self._log.error("model.tripped", model_version=challenger, cause=drift.sentence, z=drift.z)
        return drift

    async def _since(self, connection: LeaderConnection, challenger: str) -> datetime | None:
        """From when on its decisions count; None when it is switched off or rolled back."""
        change = await experiment_store.last_change(connection, challenger)
        if change is None:
            return _BEGINNING
        action, at = change
        return at if action in ("promoted", "reset") else None

    async def _window(
        self, connection: LeaderConnection, champion: str, challenger: str, since: datetime
    ) -> tuple[Tally, Tally]:
        now = self._now()
        for length in WINDOWS:
            start = max(since, now - length)
            theirs, ours = await experiment_store.tallies(connection, (champion, challenger), start)
            if ours.decisions >= self._settings.guardrail_window_decisions or start == since:
                break
        return theirs, ours


def _figures(drift: Drift, champion: Tally, challenger: Tally) -> dict[str, object]:
    return {
        "cause": drift.cause,
        "z": drift.z,
        "champion": champion.figures(),
        "challenger": challenger.figures(),
    }
