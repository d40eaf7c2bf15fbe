"""One run: every check in turn, then its record. One run at a time, whoever asks for it."""

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import timedelta

from fundline.platform.clock import Clock, NewId, new_id, utc_now
from fundline.platform.database import Candidate, Database, DatabaseBusy
from fundline.platform.loop import Loop
from fundline.platform.refusals import Unavailable
from fundline.platform.telemetry.metrics import Metrics
from fundline.services.reconciler import store
from fundline.services.reconciler.findings import Check, Finding, Run, Unchecked
from fundline.services.reconciler.metrics import ReconcilerMetrics
from fundline.services.reconciler.settings import Settings

_LIMIT_S = 300.0
"""For one check: a full one reads the bank's whole statement."""


class Reconciler(Loop):
    def __init__(
        self,
        settings: Settings,
        database: Database,
        checks: Sequence[Check],
        metrics: Metrics,
        *,
        now: Clock = utc_now,
        fresh_id: NewId = new_id,
    ) -> None:
        super().__init__("reconciler", every_s=settings.reconciler_every_s, limit_s=_LIMIT_S)
        self._settings, self._database, self._checks = settings, database, checks
        self._metrics = metrics.of(ReconcilerMetrics)
        self._now, self._fresh_id = now, fresh_id
        self._candidate = Candidate(settings, settings.reconciler_lock_id)

    async def turn(self) -> None:
        """A run; once a day a full one."""
        full_every = timedelta(hours=self._settings.reconciler_full_every_h)
        was_full = await store.is_full_since(self._database, self._now() - full_every)
        await self.take_turn(full=not was_full)

    async def take_turn(self, *, full: bool = False) -> Run | None:
        """One run; None when another reconciler is at it. Raises DatabaseUnavailable."""
        async with self._turn() as is_ours:
            if not is_ours:
                return None
            return await self.run_once(full=full, before_each=self._still_ours)

    async def run_once(self, *, full: bool = False, before_each: Callable[[], None] = lambda: None) -> Run:
        """Look, repair, record. A check that cannot look keeps the others from nothing. Raises DatabaseUnavailable."""
        started_at = self._now()
        findings: list[Finding] = []
        unchecked: dict[str, str] = {}
        for check in self._checks:
            before_each()
            self.heartbeat.beat()
            try:
                findings += await check.look(at=started_at, full=full)
            except (Unchecked, DatabaseBusy) as blind:
                unchecked[check.name] = str(blind)
                self._log.warning("reconciler.unchecked", check=check.name, cause=str(blind))
        run = Run(self._fresh_id(), started_at, self._now(), full, findings, unchecked)
        kept = timedelta(days=self._settings.reconciler_runs_kept_days)
        await store.store_run(self._database, run, keep_from=started_at - kept)
        self._log_and_count(run)
        return run

    def _still_ours(self) -> None:
        if not self._candidate.is_leading:
            raise Unavailable("The run stood still for too long: another reconciler may be at it.")

    def _log_and_count(self, run: Run) -> None:
        for finding in run.findings:
            result = "repaired" if finding.is_repaired else "case"
            self._metrics.reconciler_findings.labels(finding.trouble.value, result).inc()
        self._metrics.reconciler_unrepaired.set(sum(run.unrepaired().values()))
        for check in self._checks:
            self._metrics.reconciler_unchecked.labels(check.name).set(int(check.name in run.unchecked))
        self._metrics.reconciler_last_run_s.set(run.finished_at.timestamp())
        log = self._log.info if run.is_clean else self._log.error
        log("reconciler.run", found=run.found(), repaired=run.repaired(), cases_opened=run.cases_opened(),
            unchecked=sorted(run.unchecked), full=run.is_full)  # fmt: skip

    @contextlib.asynccontextmanager
    async def _turn(self) -> AsyncIterator[bool]:
        """True when the lock is ours. Should it be lost within a check, another may begin: repairs are idempotent."""
        try:
            yield await self._candidate.try_to_lead() is not None
        finally:
            self._candidate.resign()
