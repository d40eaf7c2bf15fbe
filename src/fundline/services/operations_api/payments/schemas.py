"""What is asked about payments."""

from typing import Annotated

from pydantic import Field

from fundline.domain.payment import PaymentState
from fundline.platform.paging import Cursor
from fundline.platform.shapes import Asked, Reason


class PaymentQuery(Asked):
    """`waits_for_release`: for a second person."""

    cursor: Cursor | None = None
    state: PaymentState | None = None
    waits_for_release: bool | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class ReleaseRequest(Asked):
    """Why it may be paid; kept with the payment and in the audit trail."""

    reason: Reason


class RefusalRequest(Asked):
    """Why it is not paid: a note for the file, which the applicant does not read."""

    reason: Reason


class AccountAskedRequest(Asked):
    """Why the applicant is asked for another account: a note for the file, which the applicant does not read."""

    reason: Reason
