"""Below HTTP: an ASGI app cuts its own connection, as a server that dies does. For stand-ins of outside services."""

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import Any

from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_CUT = "fundline.cut"
_AT_ONCE = struct.pack("ii", 1, 0)
"""Linger for zero seconds: closing sends a reset instead of what is still unsent."""


class CuttableProtocol(HttpToolsProtocol):
    """uvicorn's own, and each request's scope can reach its connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        super().connection_made(transport)

        def cut() -> None:
            connection: socket.socket = transport.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
            transport.abort()

        self.app_state: dict[str, Any] = {**self.app_state, _CUT: cut}


def cut_connection(scope: Scope) -> None:
    """TCP reset. Raises KeyError when the server does not use CuttableProtocol."""
    cut: Callable[[], None] = scope["state"][_CUT]
    cut()
