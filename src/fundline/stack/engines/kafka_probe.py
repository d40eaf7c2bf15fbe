"""Asks a Kafka broker, in its own protocol, whether it serves: an open port alone says too little."""

import socket
import struct

METADATA, VERSION, CORRELATION_ID = 3, 1, 1
SHORTEST_ANSWER_BYTES = 8
LONGEST_ANSWER_BYTES = 1 << 20


def count_live_brokers(host: str, port: int, timeout_s: float = 1.0) -> int:
    """How many brokers the cluster's metadata name as alive; 0 when the broker does not answer."""
    body = struct.pack(">hhih", METADATA, VERSION, CORRELATION_ID, -1) + struct.pack(">i", 0)
    try:
        with socket.create_connection((host, port), timeout=timeout_s) as connection:
            connection.sendall(struct.pack(">i", len(body)) + body)
            (length,) = struct.unpack(">i", _read(connection, 4))
            if not SHORTEST_ANSWER_BYTES <= length <= LONGEST_ANSWER_BYTES:
                return 0
            _, brokers = struct.unpack(">ii", _read(connection, SHORTEST_ANSWER_BYTES))
    except (OSError, EOFError):
        return 0
    return int(brokers)


def _read(connection: socket.socket, length: int) -> bytes:
    content = b""
    while len(content) < length:
        part = connection.recv(length - len(content))
        if not part:
            raise EOFError
        content += part
    return content
