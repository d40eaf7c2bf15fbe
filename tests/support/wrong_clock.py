"""The environment of a process whose machine's clock is wrong: libfaketime, of the Debian package faketime.

librdkafka works its waits out from gettimeofday and leaves them to cnd_timedwait, which libfaketime does not know: an
hour fast it would wait an hour too long. So a copy is used in which gettimeofday is not faked; Python, and everything
that we wrote, asks clock_gettime.
"""

import struct
from pathlib import Path

_PLACES = ("/usr/lib", "/usr/lib64")
_REAL = {b"gettimeofday", b"__gettimeofday"}
_DYNSYM = 11


def wrong_clock(ahead_s: int, folder: Path) -> dict[str, str]:
    """`ahead_s` may be negative. The steady clocks are left alone, as a wrong date leaves them alone."""
    library = next(
        (found for place in _PLACES for found in Path(place).glob("**/faketime/libfaketime.so.1")), None
    )
    if library is None:
        raise RuntimeError("Install the Debian package faketime: apt-get install faketime.")
    copy = folder / "libfaketime.so"
    copy.write_bytes(_without(library.read_bytes(), _REAL))
    return {
        "LD_PRELOAD": str(copy),
        "FAKETIME": f"{ahead_s:+d}",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1",  # its older name
        "FAKETIME_FORCE_MONOTONIC_FIX": "0",  # a mending for C libraries before 2.30
    }


def _without(library: bytes, names: set[bytes]) -> bytes:
    """A shared library (ELF, 64 bits, little-endian) in which nobody finds these functions: they have no name."""
    changed = bytearray(library)
    (first,) = struct.unpack_from("<Q", changed, 0x28)
    (count,) = struct.unpack_from("<H", changed, 0x3C)
    sections = [struct.unpack_from("<IIQQQQIIQQ", changed, first + 64 * number) for number in range(count)]
    for _, kind, _, _, offset, size, link, *_ in sections:
        if kind != _DYNSYM:
            continue
        texts = sections[link][4]
        for symbol in range(offset, offset + size, 24):
            (place,) = struct.unpack_from("<I", changed, symbol)
            name = bytes(changed[texts + place : changed.index(b"\0", texts + place)])
            if name in names:
                struct.pack_into("<I", changed, symbol, 0)
    return bytes(changed)
