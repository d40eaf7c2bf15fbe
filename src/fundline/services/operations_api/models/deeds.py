"""Promoting a model that decides loans takes two people; taking applicants away from one takes one.

The flags file and the record of the change go together: the file is replaced before the commit, and put back when the
commit fails.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Protocol

from fundline.platform.audit.trail import AuditEntry, record
from fundline.platform.clock import Clock, NewId, new_id, utc_now
from fundline.platform.database import Connection, Database
from fundline.platform.database.idempotency import Once
from fundline.platform.flag_file import FlagChange, FlagFile
from fundline.platform.identity import Caller
from fundline.platform.refusals import Kind, Refusal
from fundline.platform.telemetry.logs import get_log
from fundline.records.model_changes import Action, last_split_change, record_change, tripped_versions
from fundline.risk.manifest import ModelRefused
from fundline.services.operations_api.agreements import agree, lock_flags, withdraw
from fundline.services.operations_api.four_eyes import ACTOR, actor_of
from fundline.services.operations_api.models.answers import ModelChange, split_answer
from fundline.services.operations_api.models.schemas import PromotionRequest
from fundline.services.operations_api.models.split import ALL, Split, SplitRefused, read_split, write_split


class ModelNotFound(Refusal):
    kind = Kind.NOT_FOUND
    code = "model-not-found"
    title = "There is no such model"


class ModelUnusable(Refusal):
    kind = Kind.CONFLICT
    code = "model-unusable"
    title = "The model cannot decide now"


class PackagedVersions(Protocol):
    """The artefacts."""

    def versions(self) -> Sequence[str]: ...

    def refuse_unloadable(self, version: str) -> None:
        """Raises ModelRefused."""


class ModelDeeds:
    """Methods raise FlagsElsewhere, FlagFileUnusable, SplitRefused, what `once.write` raises; then nothing changed."""

    def __init__(
        self,
        database: Database,
        flags: FlagFile,
        models: PackagedVersions,
        *,
        now: Clock = utc_now,
        fresh_id: NewId = new_id,
    ) -> None:
        self._database, self._flags, self._models = database, flags, models
        self._now, self._fresh_id = now, fresh_id
        self._log = get_log()

    async def promote(
        self, caller: Caller, version: str, asked: PromotionRequest, once: Once[ModelChange]
    ) -> ModelChange:
        """The first person asks, another one agrees. Raises ModelNotFound, ModelUnusable."""
        await self._require_usable(version)
        share = asked.share_percent
        with self._flags.changing() as change:

            async def work(connection: Connection) -> ModelChange:
                await lock_flags(connection)
                before = read_split(change.read())
                after = before.promoted(version, share, force=asked.force)
                is_tripped = version in await tripped_versions(connection)
                if is_tripped and not asked.reset:
                    raise ModelUnusable(
                        f"{version} was tripped by the guardrail; see `fundline model list`, and promote it with "
                        "--reset."
                    )
                wanted = {"version": version, "share": share, "reset": is_tripped, "before": before.figures()}
                if not await self._agreed(connection, caller, "promoted", wanted, asked.reason):
                    return _change_answer("asked", "promoted", version, before, after)
                if is_tripped:
                    await self._record_change(connection, caller, "reset", version, asked.reason)
                await self._split(
                    connection, caller, change, "promoted", version, (before, after), asked.reason
                )
                return _change_answer("done", "promoted", version, before, after)

            told = await once.write(self._database, work)
        return self._logged(told, caller)

    async def rollback(self, caller: Caller, reason: str, once: Once[ModelChange]) -> ModelChange:
        """The challenger to 0 %; when it has become the champion by the last change, the champion before it."""
        with self._flags.changing() as change:

            async def work(connection: Connection) -> ModelChange:
                await lock_flags(connection)
                before = read_split(change.read())
                if before.challenger is not None and before.share > 0:
                    version, after = before.challenger, before.without_challenger()
                else:
                    version = before.champion
                    after = Split(await self._champion_before(connection, version), version, 0)
                await withdraw(connection, caller, "model_promotion", "model_reset", at=self._now())
                await self._split(connection, caller, change, "rolled_back", version, (before, after), reason)
                return _change_answer("done", "rolled_back", version, before, after)

            told = await once.write(self._database, work)
        return self._logged(told, caller)

    async def reset(self, caller: Caller, version: str, reason: str, once: Once[ModelChange]) -> ModelChange:
        """Lift a trip; the split stays as it is. Two people. Raises ModelNotFound, ModelUnusable."""
        self._require_known(version)

        async def work(connection: Connection) -> ModelChange:
            await lock_flags(connection)
            split = read_split(self._flags.read())
            if version not in await tripped_versions(connection):
                raise ModelUnusable(f"{version} is not tripped.")
            if not await self._agreed(connection, caller, "reset", {"version": version}, reason):
                return _change_answer("asked", "reset", version, split, split)
            await self._record_change(connection, caller, "reset", version, reason)
            return _change_answer("done", "reset", version, split, split)

        return self._logged(await once.write(self._database, work), caller)

    async def _agreed(
        self, connection: Connection, caller: Caller, action: Action, wanted: dict[str, Any], reason: str
    ) -> bool:
        """False: it is asked for now, and on record. True: another person had asked for just that."""
        at = self._now()
        first = await agree(
            connection,
            caller,
            "model_reset" if action == "reset" else "model_promotion",
            wanted,
            reason=reason,
            at=at,
            new_id=self._fresh_id,
        )
        what = "promotion" if action == "promoted" else "reset"
        verb = "asked" if first is None else "agreed"
        details = {**wanted, "askedBy": caller.subject if first is None else first.asked_by}
        stream = f"model:{wanted['version']}"
        entry = AuditEntry(stream, actor_of(caller), f"model.{what}_{verb}", at, reason, details)
        await record(connection, entry)
        return first is not None

    async def _champion_before(self, connection: Connection, champion: str) -> str:
        change = await last_split_change(connection)
        is_new = change is not None and change.action == "promoted" and change.share_percent == ALL
        if change is None or not is_new or change.version != champion or change.champion_before is None:
            raise SplitRefused(
                f"There is nothing to roll back: no challenger has applicants, and the last change did not make "
                f"{champion} the champion."
            )
        await self._require_usable(change.champion_before)
        if change.champion_before in await tripped_versions(connection):
            raise ModelUnusable(
                f"The champion before, {change.champion_before}, is tripped; lift that with "
                f"`fundline model reset {change.champion_before}` first."
            )
        return change.champion_before

    async def _split(
        self,
        connection: Connection,
        caller: Caller,
        change: FlagChange,
        action: Action,
        version: str,
        splits: tuple[Split, Split],
        reason: str,
    ) -> None:
        before, after = splits
        figures = {"before": before.figures(), "after": after.figures()}
        share = 0 if action == "rolled_back" else after.share or ALL
        await self._record_change(connection, caller, action, version, reason, share=share, figures=figures)
        change.edit(lambda document: write_split(document, after))

    async def _record_change(
        self,
        connection: Connection,
        caller: Caller,
        action: Action,
        version: str,
        reason: str,
        *,
        share: int | None = None,
        figures: dict[str, Any] | None = None,
    ) -> None:
        await record_change(
            connection,
            action,
            version,
            source=ACTOR,
            actor=caller.subject,
            reason=reason,
            share_percent=share,
            figures=figures,
        )

    def _logged(self, told: ModelChange, caller: Caller) -> ModelChange:
        self._log.info(
            "model.change",
            state=told.state,
            action=told.action,
            model_version=told.model_version,
            **{"user.id": caller.subject},
        )
        return told

    async def _require_usable(self, version: str) -> None:
        self._require_known(version)
        try:
            await asyncio.to_thread(self._models.refuse_unloadable, version)
        except ModelRefused as error:
            raise ModelUnusable(f"{version} cannot be used. {error}") from error

    def _require_known(self, version: str) -> None:
        known = self._models.versions()
        if version not in known:
            raise ModelNotFound(f"There is no model “{version[:60]}”; there are {', '.join(known)}.")


def _change_answer(state: Any, action: Action, version: str, before: Split, after: Split) -> ModelChange:
    return ModelChange(
        state=state,
        action=action,
        model_version=version,
        before=split_answer(before),
        after=split_answer(after),
    )
