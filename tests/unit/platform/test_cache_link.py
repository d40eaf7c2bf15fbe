"""The link against a transport that is no socket: what is sent, what comes back, what happens when it does not."""

import asyncio

import pytest

from fundline.platform.cache import CacheUnavailable, versioned, without_version
from fundline.platform.cache.link import Link, wire
from fundline.platform.cache.pipeline import CacheAddress


class Wire(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.sent: list[bytes] = []
        self.is_cut = False

    def write(self, data) -> None:
        self.sent.append(bytes(data))

    def abort(self) -> None:
        self.is_cut = True


@pytest.fixture
async def connected():
    link, transport = Link(timeout_s=0.05, waiting_limit=3), Wire()
    link.connection_made(transport)
    yield link, transport
    link.end("the test is over")


async def test_calls_of_one_turn_travel_together(connected):
    link, transport = connected
    calls = [link.call(wire(b"GET", name)) for name in (b"a", b"b")]
    await asyncio.sleep(0)
    assert transport.sent == [b"*2\r\n$3\r\nGET\r\n$1\r\na\r\n*2\r\n$3\r\nGET\r\n$1\r\nb\r\n"]
    link.data_received(b"$1\r\n1\r\n$-")
    link.data_received(b"1\r\n")
    assert await asyncio.gather(*calls) == [b"1", None]


async def test_an_error_reply_fails_its_own_call_only(connected):
    link, transport = connected
    first, second = link.call(wire(b"GET", b"a")), link.call(wire(b"GET", b"b"))
    link.data_received(b"-LOADING reading the file\r\n$1\r\n2\r\n")
    with pytest.raises(CacheUnavailable, match="LOADING"):
        await first
    assert await second == b"2"
    assert not transport.is_cut


async def test_an_overdue_reply_ends_the_connection_so_that_it_cannot_answer_another_call(connected):
    link, transport = connected
    call = link.call(wire(b"GET", b"a"))
    with pytest.raises(CacheUnavailable, match="overdue"):
        await call
    assert transport.is_cut
    with pytest.raises(CacheUnavailable, match="closed"):
        link.call(wire(b"GET", b"b"))


async def test_a_full_queue_refuses_one_more_and_keeps_the_connection(connected):
    link, transport = connected
    for _ in range(3):
        link.call(wire(b"PING"))
    with pytest.raises(CacheUnavailable, match="3 calls wait"):
        link.call(wire(b"PING"))
    assert not transport.is_cut
    link.data_received(b"+PONG\r\n" * 3)


async def test_a_reply_nobody_asked_for_ends_the_connection(connected):
    link, transport = connected
    link.data_received(b"+PONG\r\n")
    assert transport.is_cut


async def test_bytes_that_are_no_reply_end_the_connection(connected):
    link, transport = connected
    call = link.call(wire(b"PING"))
    link.data_received(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    with pytest.raises(CacheUnavailable, match="not a reply"):
        await call
    assert transport.is_cut


async def test_a_lost_connection_fails_every_waiting_call(connected):
    link, _ = connected
    calls = [link.call(wire(b"PING")) for _ in range(2)]
    link.connection_lost(ConnectionResetError("reset"))
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(result) for result in results] == [CacheUnavailable] * 2


@pytest.mark.parametrize("sequence", [-1, 10**10])
def test_a_sequence_that_does_not_fit_is_refused(sequence):
    with pytest.raises(ValueError, match="digits"):
        versioned(sequence, b"")


def test_a_value_is_the_same_after_its_version_is_taken_off():
    assert without_version(versioned(7, b"\0value")) == b"\0value"


def test_an_address_may_name_user_password_and_database():
    address = CacheAddress.of("rediss://user:secret@cache.example:6380/2")
    assert address.greeting() == [wire(b"AUTH", b"user", b"secret"), wire(b"SELECT", b"2"), wire(b"PING")]
    assert address.is_tls


def test_another_kind_of_address_is_refused():
    with pytest.raises(ValueError, match="redis://"):
        CacheAddress.of("unix:///run/valkey.sock")
