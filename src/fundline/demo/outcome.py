"""What came out of a run, judged: what the applicants saw against what the books say."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from fundline.demo.books import ApplicationState, ReasonCount
from fundline.demo.chaos import Kill
from fundline.demo.checks import Checks
from fundline.demo.journey import SETTLED, Journey
from fundline.demo.latency import Percentiles, percentiles
from fundline.demo.models import ModelDecisions
from fundline.demo.unhappy import Episode
from fundline.domain.application import ApplicationStatus
from fundline.domain.money import Money
from fundline.domain.payment import PaymentState

_T = TypeVar("_T")

KILLS_UNDER_CHAOS = 3
SHOWN_SENTENCES = 5


@dataclass(frozen=True)
class Outcome:
    """`seed` made the applications; `chaos_seed` the kills, None without chaos."""

    journeys: tuple[Journey, ...]
    checks: Checks
    reasons: tuple[ReasonCount, ...]
    seed: int
    models: tuple[ModelDecisions, ...] = ()
    chaos_seed: int | None = None
    kills: tuple[Kill, ...] = ()
    unhappy: tuple[Episode, ...] = ()

    def accepted(self) -> dict[UUID, Journey]:
        return {j.application_id: j for j in self.journeys if j.application_id is not None}

    def by_status(self) -> dict[str, int]:
        """From the database, in the order of the state machine; statuses that nobody has are left out."""
        states = self.checks.books.applications
        counted = Counter(states[key].status for key in self.accepted() if key in states)
        return {status.value: counted[status] for status in ApplicationStatus if counted[status]}

    def lost(self) -> dict[UUID, str]:
        """Accepted applications that did not arrive, each with the sentence why."""
        states = self.checks.books.applications
        found = {key: _why_lost(journey, states.get(key)) for key, journey in self.accepted().items()}
        return {key: why for key, why in found.items() if why}

    def accept_ms(self) -> Percentiles | None:
        return percentiles(_measured(j.took_s(j.accepted_at) for j in self.journeys))

    def decided_ms(self) -> Percentiles | None:
        return percentiles(_measured(j.took_s(j.decided_at) for j in self.journeys))

    def paid_ms(self) -> Percentiles | None:
        return percentiles(_measured(j.took_s(j.paid_at) for j in self.journeys))

    def paid_out(self) -> dict[str, tuple[int, Money]]:
        """By currency: how many payments of this run, and how much."""
        accepted = self.accepted()
        paid: dict[str, tuple[int, Money]] = {}
        for payment in self.checks.books.payments:
            if payment.application_id in accepted and payment.state is PaymentState.SETTLED:
                currency = payment.amount.currency
                times, sum_ = paid.get(currency, (0, Money(0, currency)))
                paid[currency] = times + 1, Money(sum_.amount_minor + payment.amount.amount_minor, currency)
        return dict(sorted(paid.items(), key=lambda entry: -entry[1][0]))

    def problems(self) -> list[str]:
        """Every reason for which this run has failed, as sentences; empty when it passed."""
        found = self.checks.problems()
        found += [f"Application {key} is lost: {why}." for key, why in _few(self.lost().items())]
        troubled = [(j, line) for j in self.journeys for line in j.trouble]
        found += [
            f"Application {j.application_id or j.planned.idempotency_key}: {line}."
            for j, line in _few(troubled)
        ]
        strangers = self.checks.books.applications.keys() - self.accepted().keys()
        if strangers:
            found.append(
                f"{len(strangers)} applications are stored that the applicants do not know of: {min(strangers)}."
            )
        found += [episode.problem for episode in self.unhappy if episode.problem]
        if self.chaos_seed is not None:
            if len(self.kills) < KILLS_UNDER_CHAOS:
                found.append(f"Only {len(self.kills)} of {KILLS_UNDER_CHAOS} processes could be killed.")
            gone = [kill.instance for kill in self.kills if kill.back_after_ms is None]
            found += [f"{instance} did not come back after it was killed." for instance in gone]
        return found


def _why_lost(journey: Journey, state: ApplicationState | None) -> str:
    if state is None:
        return "it was accepted but is not in the database"
    if state.status not in SETTLED:
        return f"it stopped at {state.status}"
    if journey.disorder:
        return journey.disorder
    # A person may have decided since its stream was closed, and money may have come back.
    went_on = state.sequence > journey.sequence and (
        journey.status is ApplicationStatus.PENDING_REVIEW
        or (journey.status, state.status) == (ApplicationStatus.DISBURSED, ApplicationStatus.RETURNED)
    )
    if (journey.status, journey.sequence) != (state.status, state.sequence) and not went_on:
        told = f"{journey.status} ({journey.sequence})" if journey.status else "nothing"
        return f"its stream told {told}, but the database has {state.status} ({state.sequence})"
    return ""


def _measured(durations_s: Iterable[float | None]) -> list[float]:
    return [duration for duration in durations_s if duration is not None]


def _few(found: Iterable[_T]) -> list[_T]:
    return list(found)[:SHOWN_SENTENCES]
