"""Halting all payments takes one person, letting them go on takes two.

A halt stands though the database is away. A resumption changes the file last.
"""

from fundline.platform.audit.trail import AuditEntry, record
from fundline.platform.clock import Clock, NewId, new_id, utc_now
from fundline.platform.database import Connection, Database
from fundline.platform.database.idempotency import Once
from fundline.platform.flag_file import FlagChange, FlagFile
from fundline.platform.identity import Caller
from fundline.platform.refusals import Kind, Refusal, Unavailable
from fundline.platform.telemetry.logs import get_log
from fundline.records.payments_flag import HALTED, ON, payments_are, with_payments
from fundline.services.operations_api.agreements import agree, lock_flags, open_request, withdraw
from fundline.services.operations_api.four_eyes import actor_of
from fundline.services.operations_api.payments_switch.answers import PaymentsSwitch
from fundline.services.operations_api.payments_switch.journal import STREAM, halt_here
from fundline.services.operations_api.payments_switch.reading import switch_of


class PaymentsNotHalted(Refusal):
    kind = Kind.CONFLICT
    code = "payments-not-halted"
    title = "Payments are not halted"


class PaymentsHalted(Unavailable):
    """The halt stands; only its record waits."""


class SwitchDeeds:
    """Methods raise FlagsElsewhere, FlagFileUnusable, and what `once.write` raises."""

    def __init__(
        self, database: Database, flags: FlagFile, *, now: Clock = utc_now, fresh_id: NewId = new_id
    ) -> None:
        self._database, self._flags, self._now, self._fresh_id = database, flags, now, fresh_id
        self._log = get_log()

    async def halt(self, caller: Caller, reason: str, once: Once[PaymentsSwitch]) -> PaymentsSwitch:
        """Nothing is sent any more. Raises Unavailable when it is halted, but not on record yet."""
        self._flags.require_ours()

        async def work(connection: Connection) -> PaymentsSwitch:
            await lock_flags(connection)
            before = payments_are(self._flags.read())
            # never put back: a halt stands, whatever becomes of its record
            FlagChange(self._flags.path).edit(lambda document: with_payments(document, HALTED))
            await withdraw(connection, caller, "payments_resume", at=self._now())
            await self._record(connection, caller, "payments.halted", reason, {"before": before})
            return switch_of(HALTED, None)

        try:
            told = await once.write(self._database, work)
        except Unavailable as away:
            halt_here(self._flags.path, actor_of(caller), reason, at=self._now())
            self._log.error("payments.halt_without_database", **{"user.id": caller.subject})
            raise PaymentsHalted(
                "Payments are halted. The database does not answer: the record of it follows by itself."
            ) from away
        self._log.info("payments.switched", state=told.state, **{"user.id": caller.subject})
        return told

    async def resume(self, caller: Caller, reason: str, once: Once[PaymentsSwitch]) -> PaymentsSwitch:
        """The first person asks, another one agrees. Raises PaymentsNotHalted.

        The file is changed after the commit: whoever is killed in between leaves payments halted.
        """
        self._flags.require_ours()

        async def work(connection: Connection) -> PaymentsSwitch:
            await lock_flags(connection)
            if payments_are(self._flags.read()) == ON:
                raise PaymentsNotHalted("Payments are not halted; there is nothing to resume.")
            at = self._now()
            agreed = await agree(
                connection, caller, "payments_resume", {}, reason=reason, at=at, new_id=self._fresh_id
            )
            if agreed is None:
                await self._record(connection, caller, "payments.resume_asked", reason, {})
                return switch_of(HALTED, await open_request(connection, "payments_resume", now=at))
            details = {"before": HALTED, "askedBy": agreed.asked_by, "askedBecause": agreed.reason}
            await self._record(connection, caller, "payments.resumed", reason, details)
            return switch_of(ON, None)

        told = await once.write(self._database, work)
        if told.state == ON:
            with self._flags.changing() as change:
                change.edit(lambda document: with_payments(document, ON))
        self._log.info("payments.switched", state=told.state, **{"user.id": caller.subject})
        return told

    async def _record(
        self, connection: Connection, caller: Caller, action: str, reason: str, details: dict[str, str]
    ) -> None:
        entry = AuditEntry(STREAM, actor_of(caller), action, self._now(), reason, details)
        await record(connection, entry)
