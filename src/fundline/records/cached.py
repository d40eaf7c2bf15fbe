"""What is cached, under which key and for how long. The cache is never the only place of anything."""

from typing import Annotated

from pydantic import Field

from fundline.platform.cache import CachedKind
from fundline.platform.settings import CacheSettings

STATUS = CachedKind("status")
"""`status:{application id}`: where an application stands; every status event is written through."""
RISK_SCORE = CachedKind("risk_score")
"""`risk_score:{application id}`: a finished scoring; gone when another model is promoted."""


class StatusCacheSettings(CacheSettings):
    status_cached_s: Annotated[int, Field(ge=1, le=3600)] = 60
    """How long a status stays in the cache. The same for the status service and the reconciler."""


class ScoreCacheSettings(CacheSettings):
    risk_score_cached_s: Annotated[int, Field(ge=1, le=7 * 24 * 3600)] = 24 * 3600
    """How long a finished scoring stays in the cache, unless another model is promoted first."""
