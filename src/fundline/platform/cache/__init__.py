"""The cache: Valkey, or anything that speaks Redis. The one home of redis and hiredis.

Invariant: the cache is never the only place of anything. When it is away every call raises CacheUnavailable at once,
or after one timeout, and the caller reads the database.
"""

from fundline.platform.cache.cache import Cache, open_cache
from fundline.platform.cache.entries import (
    CachedKind,
    version_of,
    versioned,
    without_version,
)
from fundline.platform.cache.link import CacheUnavailable

__all__ = [
    "Cache",
    "CacheUnavailable",
    "CachedKind",
    "open_cache",
    "version_of",
    "versioned",
    "without_version",
]
