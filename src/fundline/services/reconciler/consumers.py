"""Work in Kafka that nobody takes: a group that lags and has no member, or stands still before an old message.

The broker is asked by a process outside of the group, since what hangs does not report that it hangs. Restarting a
consumer is the platform's own work (`platform/kafka/poller.py`, the watchdog, the runner); a case means that it failed.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from fundline.platform.clock import Clock, NewId, new_id, utc_now
from fundline.platform.database import Database
from fundline.platform.kafka.groups import GroupView, GroupWatch, KafkaUnavailable
from fundline.platform.kafka.offsets import Partition
from fundline.platform.loop import Loop
from fundline.platform.telemetry.logs import get_log
from fundline.platform.telemetry.metrics import Metrics
from fundline.records.cases import CaseKind, NewCase, settle_case
from fundline.services.reconciler.findings import SOURCE, Finding, Trouble, Unchecked, give_to_a_person
from fundline.services.reconciler.metrics import ReconcilerMetrics

_LIMIT_S = 60.0
"""For one look at a broker that answers slowly."""
_LOOK_AGAIN_S, _ATTEMPTS = 1.0, 3


@dataclass(frozen=True, slots=True)
class Standstill:
    """`since_s`: of the monotonic clock, when the group was first seen so."""

    view: GroupView
    stalled: tuple[Partition, ...]
    since_s: float

    @property
    def sentence(self) -> str:
        """The same for as long as it lasts, so that it can stand in a case."""
        if self.view.members == 0:
            return f"The group {self.view.group} has messages to handle and no member."
        places = ", ".join(f"{topic}/{number}" for topic, number in self.stalled)
        return f"The group {self.view.group} does not go on past an old message: {places}."


class ConsumersProgress:
    """Remembers what it saw: a group that restarts has no member for a moment, and that is not a case yet."""

    name = "consumers"

    def __init__(
        self,
        database: Database,
        watch: GroupWatch,
        metrics: Metrics,
        *,
        patience_s: float,
        old_s: float,
        can_tell: bool = True,
        clock_s: Callable[[], float] = time.monotonic,
        fresh_id: NewId = new_id,
    ) -> None:
        """`can_tell`: the development broker does not know of offsets and members what is asked here."""
        self._database, self._watch, self._fresh_id = database, watch, fresh_id
        self._metrics = metrics.of(ReconcilerMetrics)
        self._patience_s, self._old_s, self._can_tell, self._clock_s = patience_s, old_s, can_tell, clock_s
        self._before: dict[str, GroupView] = {}
        self._standstills: dict[str, Standstill] = {}
        self._told: frozenset[str] | None = None
        self._one_at_a_time = asyncio.Lock()
        self._log = get_log()

    async def look(self, *, at: datetime, full: bool) -> list[Finding]:  # noqa: ARG002 - it always looks at all
        """Waits out the patience where something is suspicious. Raises Unchecked."""
        await self._observe_patiently()
        deadline_s = self._clock_s() + 2 * self._patience_s
        while len(self.lasting()) < len(self._standstills) and self._clock_s() < deadline_s:
            await asyncio.sleep(_LOOK_AGAIN_S)
            await self._observe_patiently()
        return await self.open_and_settle_cases(at)

    async def _observe_patiently(self) -> None:
        """A partition without a leader, for a moment, is no reason not to look. Raises Unchecked."""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                await self.observe()
            except KafkaUnavailable as away:
                if attempt == _ATTEMPTS:
                    raise Unchecked(away.sentence) from away
                await asyncio.sleep(_LOOK_AGAIN_S)
            else:
                return

    async def observe(self) -> None:
        """One look at the broker, and the metrics of it. Raises KafkaUnavailable."""
        if not self._can_tell:
            return
        async with self._one_at_a_time:
            views = await asyncio.to_thread(self._watch.look, old_s=self._old_s)
            for view in views:
                self._judge(view)

    def lasting(self) -> list[Standstill]:
        """What has stood still for longer than the patience, with at least two looks."""
        now_s = self._clock_s()
        return [one for one in self._standstills.values() if now_s - one.since_s >= self._patience_s]

    async def open_and_settle_cases(self, at: datetime) -> list[Finding]:
        """Open a case for each group that stands still, and close those of groups that go on."""
        lasting = self.lasting()
        self._told = frozenset(one.view.group for one in lasting)
        findings = []
        async with self._database.transaction() as connection:
            for group in self._before.keys() - self._told:
                await settle_case(
                    connection, CaseKind.CONSUMER_LAG, group, by=SOURCE, at=at, resolution="It goes on."
                )
            for one in lasting:
                details = {"lag": one.view.lag, "members": one.view.members}
                case = NewCase(CaseKind.CONSUMER_LAG, one.view.group, one.sentence, details=details)
                found = await give_to_a_person(
                    connection, Trouble.CONSUMER_LAG, case, new_id=self._fresh_id, at=at
                )
                findings.append(found)
        for one, found in zip(lasting, findings, strict=True):
            if found.opened_case:
                self._log.error("consumers.standstill", group=one.view.group, lag=one.view.lag,
                                members=one.view.members, text=one.sentence)  # fmt: skip
        return findings

    @property
    def has_news(self) -> bool:
        """Other groups stand still than were told last."""
        return self._told != frozenset(one.view.group for one in self.lasting())

    def _judge(self, view: GroupView) -> None:
        before, self._before[view.group] = self._before.get(view.group), view
        stalled = tuple(
            place
            for place, now in view.partitions.items()
            if now.is_old
            and before is not None
            and before.partitions.get(place, now).committed == now.committed
        )
        if view.is_abandoned or stalled:
            known = self._standstills.get(view.group)
            since_s = self._clock_s() if known is None else known.since_s
            self._standstills[view.group] = Standstill(view, stalled, since_s)
        else:
            self._standstills.pop(view.group, None)
        for (topic, number), partition in view.partitions.items():
            self._metrics.consumer_lag.labels(view.group, topic, str(number)).set(partition.lag)
        self._metrics.consumer_members.labels(view.group).set(view.members)
        self._metrics.consumer_abandoned.labels(view.group).set(int(view.is_abandoned))
        self._metrics.consumer_stalled.labels(view.group).set(len(stalled))


class ConsumerWatch(Loop):
    """Looks every few seconds, beside the runs: a group that lags without a member is told within seconds."""

    def __init__(self, progress: ConsumersProgress, *, every_s: float, now: Clock = utc_now) -> None:
        super().__init__("consumer-watch", every_s=every_s, limit_s=_LIMIT_S)
        self._progress, self._now = progress, now

    async def turn(self) -> None:
        await self._progress.observe()
        if self._progress.has_news:
            await self._progress.open_and_settle_cases(self._now())
