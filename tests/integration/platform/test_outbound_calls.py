"""Calls to addresses that strangers chose, over real sockets."""

import asyncio
import gzip
from collections.abc import Sequence

import pytest

from fundline.platform.http.outbound import (
    OutboundClient,
    TargetRefused,
    TargetRules,
    TargetUnreachable,
)
from support.receiver import Reply, certificate_for, receiving

pytestmark = pytest.mark.integration
HOST = "hooks.example.test"
DEVELOPMENT = TargetRules("development")


class Names:
    """A resolver that answers what the test says, a list of addresses per look-up; the last one stays."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers, self.asked = list(answers), 0

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked += 1
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def client(rules: TargetRules = DEVELOPMENT, names: Names | None = None, **more) -> OutboundClient:
    settings = {"timeout_s": 5.0, "answer_limit_bytes": 1000} | more
    return OutboundClient(rules, resolve=names, **settings)


async def test_a_call_goes_to_the_judged_address_with_the_name_of_the_url():
    names = Names(["127.0.0.1"])
    async with receiving() as receiver:
        answer = await client(names=names).post(
            f"http://{HOST}:{receiver.port}/hook?a=1", b"{}", {"webhook-id": "msg_1"}
        )
    (request,) = receiver.received
    assert (answer.status, answer.body) == (200, b"ok")
    assert (request.method, request.path, request.body) == ("POST", "/hook?a=1", b"{}")
    assert request.headers["host"] == f"{HOST}:{receiver.port}"
    assert request.headers["webhook-id"] == "msg_1"
    assert names.asked == 1  # pinned: no second look-up that could say something else


async def test_the_certificate_is_checked_against_the_name_although_the_address_is_called(tmp_path):
    served, trust = certificate_for(HOST, tmp_path)
    async with receiving(served) as receiver:
        caller = client(names=Names(["127.0.0.1"]), trust=trust)
        assert (await caller.post(f"https://{HOST}:{receiver.port}/", b"", {})).status == 200
        with pytest.raises(TargetUnreachable, match="certificate"):
            await caller.post(f"https://other.example.test:{receiver.port}/", b"", {})
    assert len(receiver.received) == 1


async def test_an_untrusted_certificate_is_not_called(tmp_path):
    served, _ = certificate_for(HOST, tmp_path)
    async with receiving(served) as receiver:
        with pytest.raises(TargetUnreachable, match="certificate"):
            await client(names=Names(["127.0.0.1"])).post(f"https://{HOST}:{receiver.port}/", b"", {})
    assert receiver.received == []


async def test_a_name_that_is_bound_to_another_address_after_the_check_is_refused_at_the_call():
    """DNS rebinding: public when the endpoint is made, the metadata service when it is called."""
    caller = client(TargetRules(), Names(["93.184.215.14"], ["169.254.169.254"]))
    await caller.check(f"https://{HOST}/hook")
    with pytest.raises(TargetRefused, match="not on the public internet"):
        await caller.post(f"https://{HOST}/hook", b"", {})


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://localhost/",
        "https://localhost./",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://169.254.169.254/latest/meta-data/",
        "https://10.0.0.1/",
        "https://0.0.0.0/",
        "https://[fd00::1]/",
        "https://[64:ff9b::7f00:1]/",
    ],
)
async def test_however_it_is_written_a_private_address_is_refused(url):
    with pytest.raises((TargetRefused, TargetUnreachable)) as refused:
        await client(TargetRules()).post(url, b"", {})
    assert "127" not in str(refused.value)


async def test_one_private_address_among_public_ones_refuses_the_name():
    with pytest.raises(TargetRefused, match="not on the public internet"):
        await client(TargetRules(), Names(["93.184.215.14", "10.0.0.1"])).post(f"https://{HOST}/", b"", {})


@pytest.mark.parametrize("address", ["10.0.0.1", "169.254.169.254", "192.168.1.1", "fd00::1"])
async def test_in_development_only_this_machine_is_called_beside_public_addresses(address):
    with pytest.raises(TargetRefused, match="not on the public internet"):
        await client(names=Names([address])).post(f"http://{HOST}/", b"", {})


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("http://hooks.example.com/", "Only https"),
        ("ftp://hooks.example.com/", "Only https"),
        ("file:///etc/passwd", "Only https"),
        ("https://alice:secret@hooks.example.com/", "user"),
        ("https://alice@hooks.example.com/", "user"),
        ("https://hooks.example.com:22/", "port"),
        ("https://hooks.example.com/#part", "fragment"),
        ("https:///path", "no host"),
        ("https://hooks.example.com/\r\nhost: x", "visible ASCII"),
        ("https://h\u00f6oks.example.com/", "visible ASCII"),
        ("https://hooks.example.com/" + "a" * 2048, "2048"),
        ("https://hooks.example.com:99999999/", "not a URL"),
    ],
)
def test_a_url_of_a_form_that_is_not_called_is_refused(url, sentence):
    with pytest.raises(TargetRefused, match=sentence):
        TargetRules().parsed(url)


async def test_a_redirect_is_an_answer_and_is_not_followed():
    async with receiving() as receiver:
        receiver.answer = lambda _: Reply(302, {"location": receiver.url})
        assert (await client().post(receiver.url, b"", {})).status == 302
        assert len(receiver.received) == 1


async def test_cookies_of_an_answer_are_not_sent_back():
    async with receiving() as receiver:
        receiver.answer = lambda _: Reply(headers={"set-cookie": "a=b"})
        caller = client()
        await caller.post(receiver.url, b"", {})
        await caller.post(receiver.url, b"", {})
        assert "cookie" not in receiver.received[1].headers


async def test_of_a_large_answer_only_the_beginning_is_read_and_nothing_is_unpacked():
    bomb = gzip.compress(bytes(10_000_000))
    async with receiving() as receiver:
        receiver.answer = lambda _: Reply(headers={"content-encoding": "gzip"}, body=bomb)
        answer = await client(answer_limit_bytes=100).post(receiver.url, b"", {})
        assert answer.body == bomb[:100]


async def test_who_does_not_answer_in_time_is_unreachable():
    async with receiving() as receiver:
        receiver.hold.clear()
        with pytest.raises(TargetUnreachable, match=r"within 0\.2 s"):
            await client(timeout_s=0.2).post(receiver.url, b"", {})


async def test_a_name_that_takes_too_long_to_resolve_is_unreachable():
    async def silence(host: str, port: int) -> Sequence[str]:
        await asyncio.Event().wait()
        return []

    with pytest.raises(TargetUnreachable, match="within"):
        await OutboundClient(DEVELOPMENT, timeout_s=0.1, answer_limit_bytes=1, resolve=silence).post(
            f"http://{HOST}/", b"", {}
        )


async def test_a_second_address_is_called_when_the_first_does_not_connect():
    async with receiving() as receiver:
        names = Names(["::1", "127.0.0.1"])  # nobody listens at the first
        answer = await client(names=names).post(f"http://{HOST}:{receiver.port}/", b"", {})
        assert answer.status == 200


async def test_a_host_that_is_not_found_is_unreachable():
    with pytest.raises(TargetUnreachable, match="not found"):
        await client(TargetRules()).post("https://no-such-host.invalid/", b"", {})
