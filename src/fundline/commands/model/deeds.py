"""Promoting and rolling back: the flags file and the audit row change together, then cached scores are dropped."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from fundline.commands.flag_edit import only_editor, read_flags, replace_flags
from fundline.commands.model.split import ALL, Split, read_split, write_split
from fundline.platform.cache import CacheUnavailable
from fundline.platform.cache.sweep import drop_all
from fundline.platform.command_errors import CommandFailed
from fundline.platform.database import Database
from fundline.records.cached import RISK_SCORE
from fundline.services.risk_worker import experiment_store as store

SOURCE = "command-line"
"""Process of the audit trail; the person is behind a colon."""


class Models(Protocol):
    """The artefacts."""

    def versions(self) -> Sequence[str]: ...

    def refuse_unloadable(self, version: str) -> None:
        """Raises CommandFailed."""


@dataclass(frozen=True, slots=True)
class Author:
    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class Changed:
    """`version` is the one promoted or rolled back."""

    action: store.Action
    version: str
    before: Split
    after: Split


class Promotion:
    """One change of the split at a time. After CommandFailed or DatabaseUnavailable nothing has changed."""

    def __init__(self, database: Database, file: Path, models: Models) -> None:
        self._database, self._file, self._models = database, file, models

    async def promote(
        self, version: str, share: int, author: Author, *, reset: bool = False, force: bool = False
    ) -> Changed:
        """`reset` lifts a trip; `force` allows 100 % without 50 % before."""
        self._require_usable(version)
        with only_editor(self._file):
            document = read_flags(self._file)
            before = read_split(document)
            after = before.promoted(version, share, force=force)
            is_tripped = version in await store.tripped_versions(self._database)
            if is_tripped and not reset:
                raise CommandFailed(
                    f"{version} was tripped by the guardrail; see `fundline model list`, and promote it with --reset."
                )
            changed = Changed("promoted", version, before, after)
            await self._change(document, changed, author, share=share, lifts_trip=is_tripped)
        return changed

    async def rollback(self, author: Author) -> Changed:
        """The challenger to 0 %; when it has become the champion by the last change, the champion before it."""
        with only_editor(self._file):
            document = read_flags(self._file)
            before = read_split(document)
            if before.challenger is not None and before.share > 0:
                changed = Changed("rolled_back", before.challenger, before, before.without_challenger())
            else:
                previous = await self._champion_before(before.champion)
                changed = Changed("rolled_back", before.champion, before, Split(previous, before.champion, 0))
            await self._change(document, changed, author, share=0)
        return changed

    async def reset(self, version: str, author: Author) -> None:
        """Lift a trip; the split stays as it is."""
        self._require_known(version)
        if version not in await store.tripped_versions(self._database):
            raise CommandFailed(f"{version} is not tripped.")
        async with self._database.transaction() as connection:
            await store.record_change(
                connection, "reset", version, source=SOURCE, actor=author.actor, reason=author.reason
            )

    async def _champion_before(self, champion: str) -> str:
        change = await store.last_split_change(self._database)
        is_new = change is not None and change.action == "promoted" and change.share_percent == ALL
        if change is None or not is_new or change.version != champion or change.champion_before is None:
            raise CommandFailed(
                f"There is nothing to roll back: no challenger has applicants, and the last change did not make "
                f"{champion} the champion."
            )
        self._require_usable(change.champion_before)
        if change.champion_before in await store.tripped_versions(self._database):
            raise CommandFailed(
                f"The champion before, {change.champion_before}, is tripped; lift that with "
                f"`fundline model reset {change.champion_before}` first."
            )
        return change.champion_before

    async def _change(
        self,
        document: dict[str, Any],
        changed: Changed,
        author: Author,
        *,
        share: int,
        lifts_trip: bool = False,
    ) -> None:
        """The file is replaced before the commit, and put back when the commit fails."""
        figures = {"before": changed.before.figures(), "after": changed.after.figures()}
        is_written = False
        try:
            async with self._database.transaction() as connection:
                if lifts_trip:
                    await store.record_change(
                        connection,
                        "reset",
                        changed.version,
                        source=SOURCE,
                        actor=author.actor,
                        reason=author.reason,
                    )
                await store.record_change(
                    connection,
                    changed.action,
                    changed.version,
                    source=SOURCE,
                    actor=author.actor,
                    reason=author.reason,
                    share_percent=share,
                    figures=figures,
                )
                replace_flags(self._file, write_split(document, changed.after))
                is_written = True
        except BaseException:
            if is_written:
                replace_flags(self._file, document)
            raise

    def _require_usable(self, version: str) -> None:
        self._require_known(version)
        self._models.refuse_unloadable(version)

    def _require_known(self, version: str) -> None:
        known = self._models.versions()
        if version not in known:
            raise CommandFailed(f"There is no model {version!r}; there are {', '.join(known)}.")


async def drop_scores(cache_url: str) -> int | None:
    """How many cached scores were dropped; None when the cache is away: they name their model and are not reused."""
    try:
        return await drop_all(cache_url, RISK_SCORE)
    except CacheUnavailable:
        return None
