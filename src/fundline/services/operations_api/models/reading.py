"""Reading which model decides."""

from fundline.platform.clock import Clock, utc_now
from fundline.platform.database import Database
from fundline.platform.flag_file import FlagFile
from fundline.records.model_changes import last_trips, tripped_versions
from fundline.risk.packaged import PackagedModels
from fundline.services.operations_api.agreements import Request, open_request
from fundline.services.operations_api.models.answers import AskedChange, RiskModels, split_answer
from fundline.services.operations_api.models.split import read_split, shadow_of


class Models:
    def __init__(
        self, database: Database, flags: FlagFile, models: PackagedModels, *, now: Clock = utc_now
    ) -> None:
        self._database, self._flags, self._models, self._now = database, flags, models, now

    async def read(self) -> RiskModels:
        """Raises FlagsElsewhere, FlagFileUnusable, SplitRefused."""
        self._flags.require_ours()
        document, now = self._flags.read(), self._now()
        tripped = await tripped_versions(self._database)
        trips = await last_trips(self._database)
        promotion = await open_request(self._database, "model_promotion", now=now)
        reset = await open_request(self._database, "model_reset", now=now)
        asked = [_asked("promoted", promotion)] if promotion else []
        asked += [_asked("reset", reset)] if reset else []
        return RiskModels(
            split=split_answer(read_split(document)),
            shadow=shadow_of(document),
            packaged=list(self._models.versions()),
            tripped={version: trips[version] for version in sorted(tripped)},
            asked=asked,
        )


def _asked(action: str, request: Request) -> AskedChange:
    return AskedChange.model_validate(
        {
            "action": action,
            "model_version": request.wanted["version"],
            "share_percent": request.wanted.get("share"),
            "asked_by": request.asked_by,
            "asked_at": request.asked_at,
            "reason": request.reason,
        }
    )
