"""When a dead letter is finished: the records say the same as its event, and what it was to bring about has happened.

Pure. An event that says something else than the records (another amount, another verdict) never closes by itself: how
it came to be is for a person to find out.
"""

from collections.abc import Callable, Mapping
from typing import Any

from fundline.contracts import topics
from fundline.contracts.payloads import (
    ApplicationCreated,
    DisbursementCompleted,
    DisbursementRequested,
    Payload,
    RiskScoringCompleted,
    RiskScoringRequested,
    StatusUpdated,
)
from fundline.contracts.topics import Group
from fundline.domain.application import ApplicationStatus
from fundline.domain.payment import FINISHED, PaymentState
from fundline.services.reconciler.letter_store import Matter

_TOPIC_OF = {topic.name: topic for topic in topics.every_topic()}
_TO_BE_SCORED = {ApplicationStatus.PROCESSING, ApplicationStatus.RISK_SCORING}
HANDLED = "Its group has handled the event since."


def read(matter: Matter) -> Payload | None:
    """The letter's payload; None when it is not one of its topic, or is denied by the records."""
    topic = _TOPIC_OF.get(matter.topic)
    if topic is None:
        return None
    try:
        payload = topic.payload.model_validate_json(matter.payload)
    except ValueError:
        return None
    return payload if _AGREES[type(payload)](matter, payload) else None


def finished_because(matter: Matter, payload: Payload) -> str:
    """A sentence; empty while somebody or something must still act. `payload` is what `read` has given."""
    if matter.is_handled:
        return HANDLED
    rule = _FINISHED.get((matter.topic, matter.group))
    return "" if rule is None else rule(matter, payload)


def _same_amount(
    matter: Matter, event: ApplicationCreated | RiskScoringRequested | DisbursementRequested
) -> bool:
    return _is_about(matter, event) and (event.amount, event.currency) == (
        matter.amount.text(),
        matter.amount.currency,
    )


def _same_verdict(matter: Matter, event: RiskScoringCompleted) -> bool:
    verdicts = matter.verdicts[event.assessment - 1 :]
    return _is_about(matter, event) and bool(verdicts) and verdicts[0] == event.status


def _same_result(matter: Matter, event: DisbursementCompleted) -> bool:
    said = (event.payment_id, event.transaction_id, event.error, event.amount, event.currency)
    ours = (
        matter.payment_id,
        matter.transaction_id,
        matter.failure_code,
        matter.amount.text(),
        matter.amount.currency,
    )
    return _is_about(matter, event) and matter.payment_state in FINISHED and said == ours


def _same_change(matter: Matter, event: StatusUpdated) -> bool:
    changes = matter.history[event.sequence - 1 :]
    said = (event.tracking_id, event.user_id)
    return (
        _is_about(matter, event)
        and bool(changes)
        and (changes[0].status, changes[0].metadata) == (event.status, event.metadata)
        and said == (matter.tracking_id, matter.user_id)
    )


def _is_about(matter: Matter, event: Any) -> bool:
    return bool(event.application_id == matter.application_id)


_AGREES: Mapping[type[Payload], Callable[[Matter, Any], bool]] = {
    ApplicationCreated: _same_amount,
    RiskScoringRequested: _same_amount,
    RiskScoringCompleted: _same_verdict,
    DisbursementRequested: _same_amount,
    DisbursementCompleted: _same_result,
    StatusUpdated: _same_change,
}


def _begun(matter: Matter, _: Payload) -> str:
    is_begun = matter.status is not ApplicationStatus.PROCESSING
    return "The application has begun to be scored." if is_begun else ""


def _scored(matter: Matter, _: Payload) -> str:
    return "" if matter.status in _TO_BE_SCORED else "The application was scored."


def _payment_asked(matter: Matter, event: Any) -> str:
    if event.status != ApplicationStatus.APPROVED:
        return "The decision asks for no payment."
    is_asked = matter.payment_state not in {None, PaymentState.EXPECTED}
    return "The payment was asked for." if is_asked else ""


def _payment_opened(matter: Matter, event: Any) -> str:
    if event.status != ApplicationStatus.APPROVED:
        return "The decision asks for no payment."
    return "" if matter.payment_state is None else "The payment has its record."


def _paid(matter: Matter, _: Payload) -> str:
    is_paid = matter.payment_state in FINISHED
    return f"The payment has its result: it is {matter.payment_state}." if is_paid else ""


def _status_is_known(_matter: Matter, _: Payload) -> str:
    return "The database has the status that the event tells of, and the cache is compared with it."


_FINISHED: Mapping[tuple[str, str], Callable[[Matter, Any], str]] = {
    (topics.APPLICATIONS_CREATED.name, Group.RISK_INTAKE): _begun,
    (topics.RISK_SCORING_REQUESTED.name, Group.RISK_WORKER): _scored,
    (topics.RISK_SCORING_REQUESTED_EXPRESS.name, Group.RISK_WORKER_EXPRESS): _scored,
    (topics.RISK_SCORING_COMPLETED.name, Group.APPLICATION_EVENTS): _payment_asked,
    (topics.RISK_SCORING_COMPLETED.name, Group.DISBURSEMENT_WORKER): _payment_opened,
    (topics.DISBURSEMENT_REQUESTED.name, Group.DISBURSEMENT_WORKER): _paid,
    (topics.DISBURSEMENT_COMPLETED.name, Group.STATUS_SERVICE): _status_is_known,
    (topics.STATUS_UPDATED.name, Group.STATUS_SERVICE): _status_is_known,
}
"""Whether somebody was told (notification-service) the inbox alone knows."""
