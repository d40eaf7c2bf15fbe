"""Asks a process whether it is well, by the address that the fleet table shows for it."""

import http.client
import socket
import ssl
from pathlib import Path
from urllib.parse import urlsplit

ANSWER_TIMEOUT_S = 2.0


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
