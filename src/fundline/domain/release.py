"""Four eyes: an amount above its currency's limit is paid only when a second person has released it."""

from fundline.domain.money import Money
from fundline.domain.people import same_person


class NotASecondPerson(ValueError):
    """Whoever approved an application, or would be paid, may not release its payment; the sentence says which."""


def needs_release(amount: Money, paid_without_minor: int | None) -> bool:
    """`paid_without_minor`: the largest amount paid without a release; None, no limit known: every amount needs one."""
    return paid_without_minor is None or amount.amount_minor > paid_without_minor


def require_second_person(*, releaser: str, approver: str, applicant: str) -> None:
    """By the subjects of their tokens; `approver` is the policy's name where no person approved.

    Raises NotASecondPerson.
    """
    if same_person(releaser, approver):
        raise NotASecondPerson("Whoever approved an application does not release its payment.")
    if same_person(releaser, applicant):
        raise NotASecondPerson("Nobody releases a payment to themselves.")
