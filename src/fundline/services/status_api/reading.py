"""Where an application stands: the cache first, the primary on a miss, one refill per key at a time."""

import asyncio
import re
from collections import OrderedDict

from fundline.platform.cache import Cache, CacheUnavailable, version_of, without_version
from fundline.platform.cache.metrics import CacheMetrics
from fundline.platform.database import Database
from fundline.platform.identifiers import uuid_in
from fundline.platform.identity import Caller
from fundline.platform.refusals import Kind, Refusal
from fundline.platform.telemetry.metrics import Metrics
from fundline.records.cached import STATUS
from fundline.records.references import tracking_id_of
from fundline.services.status_api import store
from fundline.services.status_api.schemas import StatusChange, cached_form, from_cached_form

_PLAIN_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_REMEMBERED = 20_000


class StatusNotFound(Refusal):
    """Also the answer for somebody else's application: whether it exists is nobody's business."""

    kind = Kind.NOT_FOUND
    code = "application-not-found"
    title = "There is no such application"

    def __init__(self) -> None:
        super().__init__("No application with this id is visible to you.")


def require_visible(caller: Caller, owner: str) -> None:
    """Raises StatusNotFound."""
    if not (caller.sees_everything or caller.subject == owner):
        raise StatusNotFound


class References:
    """From what a client names, application id or tracking id, to the application id. The pair never changes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: OrderedDict[str, str] = OrderedDict()

    async def application_id(self, reference: str) -> str:
        """Raises StatusNotFound, MistypedTrackingId."""
        if _PLAIN_UUID.fullmatch(reference):
            return reference
        application_id = uuid_in(reference)
        if application_id is not None:
            return str(application_id)
        tracking_id = tracking_id_of(reference)
        if tracking_id is None:
            raise StatusNotFound
        found = self._known.get(tracking_id) or await store.application_of(self._database, tracking_id)
        if found is None:
            raise StatusNotFound
        self._known[tracking_id] = found
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return found


class StatusReading:
    """`cached_s`: how long an entry of the cache lives."""

    def __init__(
        self, database: Database, cache: Cache, references: References, metrics: Metrics, *, cached_s: int
    ) -> None:
        self._database, self._cache, self._references = database, cache, references
        self._cached_s = cached_s
        self._refills: dict[str, asyncio.Task[StatusChange | None]] = {}
        requests = metrics.of(CacheMetrics).cache_requests
        self._hits, self._misses, self._errors, self._foreign = (
            requests.labels(STATUS.name, result) for result in ("hit", "miss", "error", "foreign")
        )

    async def status(self, reference: str, caller: Caller) -> bytes:
        """The JSON answer. Raises StatusNotFound, or Unavailable when neither cache nor database answers."""
        application_id = await self._references.application_id(reference)
        cached = await self._cached(application_id)
        if cached is not None:
            owner, body = cached
            if not (caller.sees_everything or caller.subject.encode() == owner):
                raise StatusNotFound
            return body
        change = await self._refill_once(application_id)
        if change is None:
            raise StatusNotFound
        require_visible(caller, change.owner)
        return change.body

    async def refill(self, application_id: str) -> StatusChange | None:
        """Read the primary and put what it says into the cache, unless that knows something newer."""
        change = await store.current_status(self._database, application_id)
        if change is not None:
            try:
                await self._cache.put_if_newer(
                    STATUS.key(application_id),
                    sequence=change.sequence,
                    value=cached_form(change),
                    ttl_s=self._cached_s,
                )
            except CacheUnavailable:
                self._errors.inc()
        return change

    async def _cached(self, application_id: str) -> tuple[bytes, bytes] | None:
        key = STATUS.key(application_id)
        try:
            stored = await self._cache.get(key)
            if stored is None:
                self._misses.inc()
                return None
            found = None if version_of(stored) is None else from_cached_form(without_version(stored))
            if found is None:  # not ours, and it may look newer than anything that we would write
                self._foreign.inc()
                await self._cache.delete(key)
                return None
        except CacheUnavailable:
            self._errors.inc()
            return None
        self._hits.inc()
        return found

    async def _refill_once(self, application_id: str) -> StatusChange | None:
        """Callers that miss the same key together share one read; one that leaves does not end it for the others."""
        refill = self._refills.get(application_id)
        if refill is None:
            refill = self._refills[application_id] = asyncio.create_task(self.refill(application_id))
            refill.add_done_callback(lambda done: self._forget(application_id, done))
        return await asyncio.shield(refill)

    def _forget(self, application_id: str, done: asyncio.Task[StatusChange | None]) -> None:
        del self._refills[application_id]
        if not done.cancelled():
            done.exception()  # seen by its callers, unless all of them have left
