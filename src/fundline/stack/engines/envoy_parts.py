"""The repeated parts of the gateway's configuration: one cluster per service, one refusal per status code."""

from collections.abc import Sequence
from typing import Any

HEALTH_EVERY_S = 0.5
"""How often each instance is asked. One that answers 503 gets nothing more from then on, without a second look."""
HEALTH_TIMEOUT_S = 2.0
"""An instance that is frozen fails after two of these; one that is only slow on a busy machine does not."""
STREAM_IDLE_S = 12.5
"""Two heartbeats of the status service, and half of one for a busy machine. Envoy closes no HTTP stream because its
instance fails a check (`close_connections_on_host_health_failure` is for tcp_proxy): only silence tells."""

PROTOCOL_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
TYPE_PREFIX = "type.googleapis.com/"

UNAUTHENTICATED = 401
_AWAY = "A part that Fundline depends on does not answer"
BEARER = 'Bearer realm="fundline"'
REFUSALS = (
    # status, slug, title, detail (%LOCAL_REPLY_BODY% is Envoy's own sentence), seconds for Retry-After
    (UNAUTHENTICATED, "unauthenticated", "The request has no valid token", "%LOCAL_REPLY_BODY%", None),
    (403, "forbidden", "The token's role may not do this", "%LOCAL_REPLY_BODY%", None),
    (404, "not-found", "There is nothing here", "There is nothing at this address.", None),
    (
        408,
        "request-timeout",
        "The request did not arrive in time",
        "The request did not arrive in time.",
        None,
    ),
    (413, "body-too-large", "The body is too large", "The request's body is larger than the limit.", None),
    (429, "rate-limited", "Too many requests", "Slow down and try again after the given seconds.", None),
    (431, "headers-too-large", "Headers too large", "The request's headers are larger than the limit.", None),
    (
        502,
        "unavailable",
        _AWAY,
        "The service gave no valid answer; try again.",
        1,
    ),
    (
        503,
        "unavailable",
        _AWAY,
        "The service cannot answer now; try again.",
        1,
    ),
    (504, "timeout", "Service timed out", "The service did not answer in time; try again.", 1),
)


def upstream_cluster(name: str, ports: Sequence[int], *, is_streaming: bool = False) -> dict[str, Any]:
    """Instances on this machine, asked for their health twice a second.

    A stream holds a connection of its own, so streams have their own pool and cannot starve requests.
    """
    return {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "1s",
        "lb_policy": "LEAST_REQUEST",
        # When no instance looks healthy, requests go to all: one of them may be back before the next look.
        # And the balancer hears at once what the checks find: by default it hears it up to a second later.
        "common_lb_config": {"healthy_panic_threshold": {"value": 1}, "update_merge_window": "0s"},
        "health_checks": [_health_check()],
        "outlier_detection": {
            "split_external_local_origin_errors": True,
            "consecutive_5xx": 20,
            "consecutive_local_origin_failure": 2,
            "interval": "1s",
            "base_ejection_time": "2s",
            "max_ejection_time": "10s",
            "max_ejection_percent": 50,
        },
        "circuit_breakers": {"thresholds": [_limits(is_streaming)]},
        "upstream_connection_options": {
            "tcp_keepalive": {"keepalive_time": 30, "keepalive_interval": 10, "keepalive_probes": 3}
        },
        # A connection ahead of need: a burst does not wait for a handshake.
        "preconnect_policy": {"per_upstream_preconnect_ratio": 1.0 if is_streaming else 1.5},
        "typed_extension_protocol_options": {
            PROTOCOL_OPTIONS: {
                "@type": TYPE_PREFIX + PROTOCOL_OPTIONS,
                # Shorter than the services keep an idle connection, so that none is used while it closes.
                "common_http_protocol_options": {"idle_timeout": "60s"},
                "explicit_http_config": {"http_protocol_options": {}},
            }
        },
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [_endpoint(port) for port in ports]}],
        },
    }


def local_replies() -> list[dict[str, Any]]:
    """What the gateway itself answers: problem+json with a stable type, whatever the reason."""
    plain = [_refusal(*refusal) for refusal in REFUSALS]
    return [_of_a_wrong_token(plain[0]), *plain]


def _health_check() -> dict[str, Any]:
    return {
        "timeout": f"{HEALTH_TIMEOUT_S}s",
        "interval": f"{HEALTH_EVERY_S}s",
        "no_traffic_interval": f"{HEALTH_EVERY_S}s",
        "unhealthy_interval": "0.2s",
        "unhealthy_edge_interval": "0.2s",
        "unhealthy_threshold": 2,
        "healthy_threshold": 1,
        "http_health_check": {"path": "/health/ready"},
    }


def _limits(is_streaming: bool) -> dict[str, Any]:
    most = 20_000 if is_streaming else 1_024
    return {
        "max_connections": most,
        "max_pending_requests": most,
        "max_requests": max(most, 4_096),
        # Streams of a dead instance are all asked for again at once, and half of them meet its closed port first.
        "retry_budget": {
            "budget_percent": {"value": 100.0 if is_streaming else 10.0},
            "min_retry_concurrency": most // 20,
        },
    }


def _endpoint(port: int) -> dict[str, Any]:
    return {"endpoint": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": port}}}}


def _refusal(status: int, slug: str, title: str, detail: str, retry_after_s: int | None) -> dict[str, Any]:
    mapper: dict[str, Any] = {
        "filter": {
            "status_code_filter": {
                "comparison": {
                    "op": "EQ",
                    "value": {"default_value": status, "runtime_key": f"fundline.local_reply.{status}"},
                }
            }
        },
        "body_format_override": {
            "content_type": "application/problem+json",
            "json_format": {
                "type": f"urn:fundline:problem:{slug}",
                "title": title,
                "status": "%RESPONSE_CODE%",
                "detail": detail,
                "instance": "urn:fundline:request:%REQ(X-REQUEST-ID)%",
            },
        },
    }
    mapper["headers_to_add"] = [_header("cache-control", "no-store")]
    if retry_after_s is not None:
        mapper["headers_to_add"].append(_header("retry-after", str(retry_after_s)))
    if status == UNAUTHENTICATED:
        # Envoy's own header repeats the whole address, with the token that a stream carries in it.
        mapper["headers_to_add"].append(_header("www-authenticate", BEARER))
    return mapper


def _of_a_wrong_token(refusal: dict[str, Any]) -> dict[str, Any]:
    """As the services say it: what is wrong with the token, where there is one (RFC 6750, section 3.1)."""
    has_token = {"header_filter": {"header": {"name": "authorization", "present_match": True}}}
    challenge = f'{BEARER}, error="invalid_token", error_description="The request has no valid token"'
    return {
        **refusal,
        "filter": {"and_filter": {"filters": [refusal["filter"], has_token]}},
        "headers_to_add": [_header("cache-control", "no-store"), _header("www-authenticate", challenge)],
    }


def _header(name: str, value: str) -> dict[str, Any]:
    return {"header": {"key": name, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
