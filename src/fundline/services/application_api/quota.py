"""How many applications one subject may submit in a while: counted in the statement that stores the application.

The count is a row with a check on it, so that of any number of submissions at once none slips past. It is counted with
the key: the repeat of a submission is no further one, and a refused one leaves nothing behind.
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from fundline.contracts.roles import Role
from fundline.platform.database import Database
from fundline.platform.refusals import Kind, Refusal

WINDOW_OF = "select window_began from submission_quotas where subject = $1"
EXCEEDED = "submission_quotas_not_exceeded"
"""The check that says so."""


class QuotaExceeded(Refusal):
    kind = Kind.TOO_MANY
    code = "submission-quota-exceeded"
    title = "Too many applications within a while"


@dataclass(frozen=True, slots=True)
class Quota:
    """Per subject and window; a window begins with its first submission."""

    applicant: int = 20
    partner: int = 2000
    window: timedelta = timedelta(hours=1)

    def allowed(self, role: Role) -> int:
        return self.partner if role is Role.PARTNER else self.applicant

    async def exceeded(self, database: Database, subject: str, role: Role, at: datetime) -> QuotaExceeded:
        """The refusal, with the time until the window ends."""
        row = await database.fetchrow(WINDOW_OF, subject)
        left = self.window if row is None else row["window_began"] + self.window - at
        return QuotaExceeded(
            f"At most {self.allowed(role)} applications are taken within {int(self.window.total_seconds())} s. "
            "Nothing was stored; repeat the request later with the same Idempotency-Key.",
            retry_after_s=max(math.ceil(left.total_seconds()), 1),
        )
