"""The one place that asks for a payment checks for itself that the application is approved, whoever calls it."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from fundline.domain.application import ApplicationStatus
from fundline.domain.money import Money
from fundline.records.payment_request import NotApproved, request_payment
from fundline.records.status import LockedApplication

AT = datetime(2026, 11, 27, tzinfo=UTC)
ID = UUID(int=1)


class Statements:
    """What would have been sent to the database."""

    def __init__(self) -> None:
        self.sent: list[tuple[object, ...]] = []

    async def execute(self, *statement: object) -> None:
        self.sent.append(statement)


async def asked_for(status: ApplicationStatus) -> Statements:
    statements = Statements()
    application = LockedApplication(ID, "FL-1", "alice", status, 3, Money(1_250_000, "USD"), AT)
    await request_payment(
        statements,
        application,
        approved_by="uma",
        source="tests",
        at=AT,
        event_id=ID,
    )
    return statements


@pytest.mark.parametrize(
    "status", [one for one in ApplicationStatus if one is not ApplicationStatus.APPROVED]
)
async def test_a_payment_is_never_asked_for_unless_the_application_is_approved(status):
    """Every caller checks too, so that each test passed without this check."""
    with pytest.raises(NotApproved, match=f"^the application is {status}, not approved$"):
        await asked_for(status)


async def test_an_approved_application_is_asked_for_once_with_its_own_amount():
    ((_, _, topics, keys, (payload,), _),) = (await asked_for(ApplicationStatus.APPROVED)).sent
    assert (topics, keys) == (["disbursement.requested"], [ID])
    assert '"amount":"12500.00","currency":"USD"' in payload
    assert '"approvedBy":"uma"' in payload
