"""Publishing as somebody does who has never heard of our contracts: any bytes as key, payload, header or header's name.

The Python driver takes header names as text only, so this calls the library below it.
"""

import ctypes
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import confluent_kafka

_PRODUCER, _COPY, _OWN_PARTITION = 0, 2, -1
_END, _TOPIC, _PARTITION, _VALUE, _KEY, _FLAGS, _HEADER = 0, 1, 3, 4, 5, 7, 9
"""`rd_kafka_vtype_t` of rdkafka.h."""
_ERROR_BYTES = 512


@dataclass(frozen=True)
class RawMessage:
    topic: str
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[bytes, bytes | None]] = ()
    partition: int = _OWN_PARTITION


class RawProducer:
    def __init__(self, bootstrap: str, **config: str) -> None:
        package = Path(confluent_kafka.__file__).parent
        (library,) = (package.parent / "confluent_kafka.libs").glob("librdkafka-*.so*")
        self._library = ctypes.CDLL(str(library))
        for name in ("rd_kafka_conf_new", "rd_kafka_new"):
            getattr(self._library, name).restype = ctypes.c_void_p
        conf = ctypes.c_void_p(self._library.rd_kafka_conf_new())
        said = ctypes.create_string_buffer(_ERROR_BYTES)
        for name, value in {
            "bootstrap.servers": bootstrap,
            "message.max.bytes": "100000000",
            "linger.ms": "0",
            **{name.replace("_", "."): value for name, value in config.items()},
        }.items():
            failed = self._library.rd_kafka_conf_set(
                conf, name.encode(), value.encode(), said, ctypes.c_size_t(_ERROR_BYTES)
            )
            assert failed == 0, said.value
        self._handle = ctypes.c_void_p(
            self._library.rd_kafka_new(_PRODUCER, conf, said, ctypes.c_size_t(_ERROR_BYTES))
        )
        assert self._handle, said.value

    def send(self, message: RawMessage) -> None:
        arguments: list[object] = [_TOPIC, ctypes.c_char_p(message.topic.encode()), _FLAGS, _COPY]
        arguments += [_PARTITION, ctypes.c_int32(message.partition)]
        arguments += [_VALUE, *_bytes(message.value), _KEY, *_bytes(message.key)]
        for name, value in message.headers:
            arguments += [_HEADER, ctypes.c_char_p(name), *_bytes(value)]
        error = self._library.rd_kafka_producev(self._handle, *arguments, _END)
        assert error == 0, f"librdkafka error {error}"

    def flush(self) -> None:
        assert self._library.rd_kafka_flush(self._handle, 30_000) == 0
        assert self._library.rd_kafka_outq_len(self._handle) == 0

    def close(self) -> None:
        self._library.rd_kafka_destroy(self._handle)


def _bytes(value: bytes | None) -> tuple[ctypes.c_char_p, ctypes.c_ssize_t]:
    return ctypes.c_char_p(value), ctypes.c_ssize_t(-1 if value is None else len(value))


@contextmanager
def raw_producer(bootstrap: str, **config: str) -> Iterator[RawProducer]:
    producer = RawProducer(bootstrap, **config)
    try:
        yield producer
        producer.flush()
    finally:
        producer.close()
