"""Two people: who has asked for something does not also agree to it."""

from fundline.domain.people import same_person
from fundline.platform.identity import Caller
from fundline.platform.refusals import Kind, Refusal

ACTOR = "operations-api"


class SecondPersonNeeded(Refusal):
    kind = Kind.FORBIDDEN
    code = "second-person-needed"
    title = "Somebody else has to agree"


def actor_of(caller: Caller) -> str:
    """As the audit trail names a person who acts through this API."""
    return f"{ACTOR}:{caller.subject}"


def require_uninvolved(caller: Caller, *, first: str | None, applicant: str | None) -> None:
    """`first`: who asked for it. Raises SecondPersonNeeded for them, and for whom the application belongs to."""
    if same_person(caller.subject, first):
        raise SecondPersonNeeded("You asked for this yourself; another operator has to agree.")
    if same_person(caller.subject, applicant):
        raise SecondPersonNeeded("The application is your own; another operator has to act on it.")
