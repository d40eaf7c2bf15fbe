"""Which pages of other origins may call the API from a browser (CORS): none, unless a setting names their origins.

The gateway answers for all services, before it asks for a token: a browser sends none with its first question (the
preflight), and reads the gateway's own refusals too. No cookie plays a part, so credentials are never allowed.
"""

import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

from fundline.platform.command_errors import CommandFailed
from fundline.stack.engines.envoy_parts import TYPE_PREFIX

CORS_SETTING = "FUNDLINE_GATEWAY_CORS_ORIGINS"
_FILTER = "envoy.filters.http.cors"
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?")
_METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE"
_SENT = "authorization, content-type, idempotency-key, last-event-id, traceparent, x-correlation-id"
_READ = "idempotent-replayed, location, retry-after, www-authenticate, x-correlation-id, x-request-id"
_REMEMBERED_S = 600


def allowed_origins(environ: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Raises CommandFailed for what a browser would never send as an origin, `*` among it."""
    origins = tuple(environ.get(CORS_SETTING, "").replace(",", " ").split())
    for origin in origins:
        if not _ORIGIN.fullmatch(origin):
            raise CommandFailed(
                f"{CORS_SETTING} has “{origin}”; name each origin as https://app.example.com, without a path."
            )
    return origins


def cors_policy(origins: Sequence[str]) -> dict[str, Any]:
    """What the gateway's filter is told about every route. Without an origin it stays idle."""
    if not origins:
        return {}
    policy = {
        "@type": f"{TYPE_PREFIX}envoy.extensions.filters.http.cors.v3.CorsPolicy",
        "allow_origin_string_match": [{"exact": origin} for origin in origins],
        "allow_methods": _METHODS,
        "allow_headers": _SENT,
        "expose_headers": _READ,
        "max_age": str(_REMEMBERED_S),
    }
    return {_FILTER: policy}
