import re

import pytest

from fundline.domain.money import Money
from fundline.domain.release import NotASecondPerson, needs_release, require_second_person


@pytest.mark.parametrize(
    ("amount_minor", "paid_without_minor", "needed"),
    [(100, 100, False), (101, 100, True), (1, 0, True), (1, None, True)],
)
def test_what_is_above_the_limit_or_has_none_needs_a_release(amount_minor, paid_without_minor, needed):
    assert needs_release(Money(amount_minor, "USD"), paid_without_minor) is needed


def test_a_second_person_is_neither_the_approver_nor_the_applicant():
    require_second_person(releaser="olga", approver="uma", applicant="alice")
    require_second_person(releaser="olga", approver="policy:policy-2/scorecard-2", applicant="alice")
    for releaser, sentence in (
        ("uma", "Whoever approved an application does not release its payment."),
        ("alice", "Nobody releases a payment to themselves."),
    ):
        with pytest.raises(NotASecondPerson, match=f"^{re.escape(sentence)}$"):
            require_second_person(releaser=releaser, approver="uma", applicant="alice")
