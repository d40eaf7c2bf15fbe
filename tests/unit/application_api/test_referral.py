import uuid
from datetime import UTC, datetime

import pytest

from fundline.contracts.roles import Role
from fundline.domain.application import ApplicationStatus
from fundline.domain.money import Money
from fundline.platform.identity import Caller
from fundline.records.status import LockedApplication
from fundline.services.application_api.referral import NotUnderReview, _check

AT = datetime(2026, 11, 28, tzinfo=UTC)
UMA = Caller("uma", Role.UNDERWRITER)


@pytest.mark.parametrize("status", sorted(set(ApplicationStatus) - {ApplicationStatus.PENDING_REVIEW}))
def test_what_will_change_by_itself_is_not_kept_under_a_key(status):
    application = LockedApplication(uuid.uuid4(), "FL-1", "alice", status, 2, Money(1, "USD"), AT)
    with pytest.raises(NotUnderReview) as refused:
        _check(UMA, application)
    assert refused.value.is_decided == (status not in {"processing", "risk_scoring"})
