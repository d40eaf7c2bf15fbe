"""Reading the switch of payments."""

from fundline.platform.clock import Clock, utc_now
from fundline.platform.database import Database
from fundline.platform.flag_file import FlagFile
from fundline.records.payments_flag import HALTED, ON, payments_are
from fundline.services.operations_api.agreements import Request, open_request
from fundline.services.operations_api.payments_switch.answers import PaymentsSwitch


class Switch:
    def __init__(self, database: Database, flags: FlagFile, *, now: Clock = utc_now) -> None:
        self._database, self._flags, self._now = database, flags, now

    async def read(self) -> PaymentsSwitch:
        """Raises FlagsElsewhere, FlagFileUnusable."""
        self._flags.require_ours()
        state = payments_are(self._flags.read())
        asked = await open_request(self._database, "payments_resume", now=self._now())
        return switch_of(state, asked)


def switch_of(state: str, asked: Request | None) -> PaymentsSwitch:
    return PaymentsSwitch(
        state="on" if state == ON else HALTED,
        resume_asked_by=None if asked is None else asked.asked_by,
        resume_asked_at=None if asked is None else asked.asked_at,
        resume_reason=None if asked is None else asked.reason,
    )
