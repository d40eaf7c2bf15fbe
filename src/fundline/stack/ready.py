"""Asks a process whether it is well, by the address that the fleet table shows for it."""

import http.client
import socket
import ssl
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from fundline.stack.engines.envoy_view import GatewayView

ANSWER_TIMEOUT_S = 2.0
ROUTES_TIMEOUT_S = 20.0
PROBED_PATHS = {
    "application-api": "/v1/reference-data/sectors",
    "notification-service": "/v1/webhook-endpoints",
    "operations-api": "/v1/cases",
    "status-service": "/v1/status/00000000-0000-0000-0000-000000000000",
}
"""By process: a path that it answers; any answer of its own shows that the route is open."""
NO_INSTANCE = (502, 503, 504)


def is_well(health: str, timeout_s: float = ANSWER_TIMEOUT_S) -> bool:
    """`health` is http://host:port/path, where 200 counts, or tcp://host:port, where an open port counts."""
    target = urlsplit(health)
    host, port = target.hostname or "", target.port or 0
    try:
        if target.scheme == "tcp":
            with socket.create_connection((host, port), timeout_s):
                return True
        # http.client and not urllib: a proxy of the person's shell must not see calls to this machine
        connection = http.client.HTTPConnection(host, port, timeout=timeout_s)
        try:
            connection.request("GET", target.path)
            return connection.getresponse().status == http.client.OK
        finally:
            connection.close()
    except (OSError, http.client.HTTPException):
        return False


def await_routes(gateway_url: str, processes: Sequence[str], token: str, authority: Path) -> None:
    """Block until the gateway itself has seen these processes healthy. Raises TimeoutError."""
    waiting = [PROBED_PATHS[name] for name in processes if name in PROBED_PATHS]
    deadline = time.monotonic() + ROUTES_TIMEOUT_S
    while waiting:
        status = gateway_status(gateway_url, waiting[0], token, authority)
        if status is not None and status not in NO_INSTANCE:
            waiting.pop(0)
        elif time.monotonic() > deadline:
            raise TimeoutError(
                f"The gateway answers {status or 'nothing'} for {waiting[0]} although the services are healthy"
            )
        else:
            time.sleep(0.1)


def await_rotation(gateway: GatewayView) -> None:
    """Block until the gateway sends requests to every instance behind it. Raises TimeoutError."""
    deadline = time.monotonic() + ROUTES_TIMEOUT_S
    while not ((seen := gateway.in_rotation()) and all(seen.values())):
        if time.monotonic() > deadline:
            missing = sorted(port for port, is_used in seen.items() if not is_used)
            raise TimeoutError(f"The gateway sends nothing to the services on ports {missing}")
        time.sleep(0.1)


def gateway_status(gateway_url: str, path: str, token: str, authority: Path) -> int | None:
    """The status of a GET through the gateway, as a client with this token sees it; None: no answer."""
    target = urlsplit(gateway_url)
    try:
        connection = http.client.HTTPSConnection(
            target.hostname or "",
            target.port,
            timeout=ANSWER_TIMEOUT_S,
            context=ssl.create_default_context(cafile=str(authority)),
        )
        try:
            connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
            return connection.getresponse().status
        finally:
            connection.close()
    except (OSError, http.client.HTTPException):
        return None
