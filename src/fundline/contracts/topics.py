"""The topic table: every topic, who writes it, who reads it, and in which consumer group.

Keys are the application id on every topic, so one application's events keep their order.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from fundline.contracts import payloads


class Group(StrEnum):
    """Consumer groups. Each group gets every event of its topics once, shared over its instances."""

    APPLICATION_EVENTS = "application-events"
    RISK_INTAKE = "risk-intake"
    RISK_WORKER = "risk-worker"
    RISK_WORKER_EXPRESS = "risk-worker-express"
    DISBURSEMENT_WORKER = "disbursement-worker"
    STATUS_SERVICE = "status-service"
    NOTIFICATION_SERVICE = "notification-service"


DEAD_LETTER_KEEPER = "dead-letter-keeper"
"""The group of the process that reads every dead-letter topic."""


@dataclass(frozen=True, slots=True)
class Topic:
    name: str
    payload: type[payloads.Payload]
    schema_version: int
    producers: tuple[str, ...]
    groups: tuple[Group, ...]
    """Groups that consume the topic."""
    lane_of: str = ""
    """Name of the topic whose events travel here too: another lane, the same event."""
    moves_money: bool = False
    """Handling an event leads to a payment or tells of one: two people must agree before a dead one is replayed."""

    @property
    def event_type(self) -> str:
        """CloudEvents `type`: stable, with the major version of the schema, the same on every lane."""
        return f"fundline.{self.lane_of or self.name}.v{self.schema_version}"

    @property
    def dead_letter(self) -> str:
        return f"{self.name}.dlq"

    def retry(self, group: Group | str) -> str:
        """A group's own retry topic: another group that has succeeded must not see the event again."""
        return f"{self.name}.{group}.retry"

    def all_names(self) -> tuple[str, ...]:
        return (self.name, *(self.retry(group) for group in self.groups), self.dead_letter)


APPLICATIONS_CREATED = Topic(
    "applications.created",
    payloads.ApplicationCreated,
    1,
    producers=("application-api",),
    groups=(Group.RISK_INTAKE,),
)
RISK_SCORING_REQUESTED = Topic(
    "risk.scoring.requested",
    payloads.RiskScoringRequested,
    1,
    producers=("application-api", "reconciler"),
    groups=(Group.RISK_WORKER,),
)
RISK_SCORING_REQUESTED_EXPRESS = replace(
    RISK_SCORING_REQUESTED,
    name=f"{RISK_SCORING_REQUESTED.name}.express",
    groups=(Group.RISK_WORKER_EXPRESS,),
    lane_of=RISK_SCORING_REQUESTED.name,
)
RISK_SCORING_COMPLETED = Topic(
    "risk.scoring.completed",
    payloads.RiskScoringCompleted,
    1,
    producers=("risk-worker",),
    groups=(Group.APPLICATION_EVENTS, Group.DISBURSEMENT_WORKER),
    moves_money=True,
)
DISBURSEMENT_REQUESTED = Topic(
    "disbursement.requested",
    payloads.DisbursementRequested,
    1,
    producers=("application-events", "application-api", "operations-api", "reconciler"),
    groups=(Group.DISBURSEMENT_WORKER,),
    moves_money=True,
)
DISBURSEMENT_COMPLETED = Topic(
    "disbursement.completed",
    payloads.DisbursementCompleted,
    1,
    producers=("disbursement-worker", "operations-api"),
    groups=(Group.STATUS_SERVICE, Group.NOTIFICATION_SERVICE),
    moves_money=True,
)
STATUS_UPDATED = Topic(
    "status.updated",
    payloads.StatusUpdated,
    1,
    producers=("application-api", "risk-worker", "disbursement-worker", "operations-api"),
    groups=(Group.STATUS_SERVICE, Group.NOTIFICATION_SERVICE),
)

TOPICS: dict[str, Topic] = {
    topic.name: topic
    for topic in (
        APPLICATIONS_CREATED,
        RISK_SCORING_REQUESTED,
        RISK_SCORING_COMPLETED,
        DISBURSEMENT_REQUESTED,
        DISBURSEMENT_COMPLETED,
        STATUS_UPDATED,
    )
}

EXPRESS_LANES: tuple[Topic, ...] = (RISK_SCORING_REQUESTED_EXPRESS,)
"""Which of their events goes here is decided by the event router alone; a producer names the standard topic."""


def every_topic() -> tuple[Topic, ...]:
    """The table and the lanes."""
    return (*TOPICS.values(), *EXPRESS_LANES)


def all_topic_names() -> list[str]:
    """Every topic that has to exist before the fleet starts: main, lane, retry and dead-letter topics."""
    return [name for topic in every_topic() for name in topic.all_names()]


def topics_by_group() -> dict[str, list[str]]:
    """Every consumer group of the platform, and the names of all topics that it reads."""
    read: dict[str, list[str]] = {group.value: [] for group in Group}
    for topic in every_topic():
        for group in topic.groups:
            read[group.value] += [topic.name, topic.retry(group)]
    return read | {DEAD_LETTER_KEEPER: [topic.dead_letter for topic in every_topic()]}
