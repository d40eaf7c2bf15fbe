"""Calling an address that a stranger chose, such as a webhook's: the one door out, with a guard at it.

Names are resolved here, every address is judged, and the connection goes to the very address that was judged: a name
that resolves to something else a moment later changes nothing. Redirects, proxies, cookies and compressed answers
do not exist here. Sources: OWASP, "Server Side Request Forgery Prevention"; CWE-918, CWE-350.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Literal

import httpx

from fundline.platform.http.addresses import is_public, is_this_machine

Targets = Literal["public", "development"]
"""`development` adds this machine, any port and plain http; every other private address stays refused."""

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Host and port to addresses as text; raises OSError when there are none."""

URL_LIMIT = 2048
_CONNECT_S = 5.0
_HIGHEST_PORT = 65_535
_ADDRESSES_TRIED = 3
_RESOLVER_THREADS = 16
"""The system's resolver blocks: threads of its own, so that slow names do not hold up the rest of the process."""


class TargetRefused(Exception):
    """We do not call this address; the sentence says why, without naming the address a name resolved to."""


class TargetUnreachable(Exception):
    """No answer: not found, not connected, TLS failed, broken off or too slow. It may or may not have got the call."""


@dataclass(frozen=True, slots=True)
class OutboundAnswer:
    """`body` is the beginning of the answer's bytes, as they came. `retry_after` is the header, as it came."""

    status: int
    body: bytes
    retry_after: str | None


@dataclass(frozen=True, slots=True)
class TargetRules:
    targets: Targets = "public"
    ports: Collection[int] = (443, 8443)

    def parsed(self, url: str) -> httpx.URL:
        """The URL when its form is one that we call. Raises TargetRefused."""
        if len(url) > URL_LIMIT or not url.isascii() or not url.isprintable() or " " in url:
            raise TargetRefused(f"A URL has at most {URL_LIMIT} visible ASCII characters.")
        try:
            parsed = httpx.URL(url)
            _ = parsed.host  # decodes what IDNA has encoded, or fails to
        except (httpx.InvalidURL, UnicodeError):
            raise TargetRefused("This is not a URL.") from None
        if not 1 <= _port_of(parsed) <= _HIGHEST_PORT:
            raise TargetRefused("This is not a URL.")
        is_development = self.targets == "development"
        if parsed.scheme != "https" and not (is_development and parsed.scheme == "http"):
            raise TargetRefused("Only https URLs are called.")
        if not parsed.host:
            raise TargetRefused("The URL has no host.")
        if parsed.userinfo:
            raise TargetRefused("A URL must not carry a user or a password.")
        if parsed.fragment or "#" in url:
            raise TargetRefused("A URL must not have a fragment.")
        if not is_development and _port_of(parsed) not in self.ports:
            allowed = ", ".join(str(port) for port in sorted(self.ports))
            raise TargetRefused(f"The URL's port must be one of {allowed}.")
        return parsed

    def host_of(self, url: str) -> str:
        """In lower case, without the port. Raises TargetRefused."""
        return self.parsed(url).raw_host.decode().lower()

    def judge(self, addresses: Sequence[str]) -> None:
        """One bad address refuses them all: nobody honest mixes public and private ones. Raises TargetRefused."""
        for address in addresses:
            if is_public(address) or (self.targets == "development" and is_this_machine(address)):
                continue
            raise TargetRefused("The URL's host leads to an address that is not on the public internet.")


class OutboundClient:
    """Posts to strangers' URLs. `resolve` and `trust` stand in for the network's names and its authorities."""

    def __init__(
        self,
        rules: TargetRules,
        *,
        timeout_s: float,
        answer_limit_bytes: int,
        connections: int = 64,
        resolve: Resolve | None = None,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        self.rules = rules
        self._timeout_s, self._answer_limit_bytes = timeout_s, answer_limit_bytes
        self._threads = ThreadPoolExecutor(_RESOLVER_THREADS, thread_name_prefix="resolver")
        self._resolve = resolve or self._ask_system
        # no connection is kept: one that was checked for a name must not carry calls for another name of that address
        self._transport = httpx.AsyncHTTPTransport(
            verify=trust or ssl.create_default_context(),
            trust_env=False,
            limits=httpx.Limits(max_connections=connections, max_keepalive_connections=0),
        )

    async def check(self, url: str) -> None:
        """Whether `post` would call it now. Raises TargetRefused; TargetUnreachable when the name has no address."""
        parsed = self.rules.parsed(url)
        async with _answered_within(_CONNECT_S):
            await self._addresses(parsed)

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> OutboundAnswer:
        """Any answer, redirects too, is returned. Raises TargetRefused (nothing was sent) or TargetUnreachable."""
        parsed = self.rules.parsed(url)
        async with _answered_within(self._timeout_s):
            return await self._post(parsed, body, headers)

    async def close(self) -> None:
        await self._transport.aclose()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _post(self, url: httpx.URL, body: bytes, headers: Mapping[str, str]) -> OutboundAnswer:
        *earlier, last = (await self._addresses(url))[:_ADDRESSES_TRIED]
        for address in earlier:
            try:
                return await self._post_to(address, url, body, headers)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue  # nothing was sent: the next address may do
        return await self._post_to(last, url, body, headers)

    async def _addresses(self, url: httpx.URL) -> Sequence[str]:
        try:
            addresses = list(dict.fromkeys(await self._resolve(url.raw_host.decode(), _port_of(url))))
        except (OSError, UnicodeError):
            raise TargetUnreachable("The URL's host was not found.") from None
        if not addresses:
            raise TargetUnreachable("The URL's host has no address.")
        self.rules.judge(addresses)
        return addresses

    async def _post_to(
        self, address: str, url: httpx.URL, body: bytes, headers: Mapping[str, str]
    ) -> OutboundAnswer:
        host = url.netloc.decode("ascii")
        request = httpx.Request(
            "POST",
            url.copy_with(host=address),
            content=body,
            headers={**headers, "host": host, "accept-encoding": "identity", "connection": "close"},
            extensions={
                "sni_hostname": url.raw_host.decode(),  # also what the certificate is checked against
                "timeout": httpx.Timeout(self._timeout_s, connect=_CONNECT_S).as_dict(),
            },
        )
        response = await self._transport.handle_async_request(request)
        try:
            return OutboundAnswer(
                response.status_code, await self._beginning(response), response.headers.get("retry-after")
            )
        finally:
            await response.aclose()

    async def _beginning(self, response: httpx.Response) -> bytes:
        """An answer that breaks off counts by its status: the other side has spoken."""
        read = b""
        assert isinstance(response.stream, httpx.AsyncByteStream)  # noqa: S101 - of an asynchronous transport
        with suppress(httpx.ReadError, httpx.RemoteProtocolError):
            async for chunk in response.stream:
                read += chunk
                if len(read) >= self._answer_limit_bytes:
                    break
        return read[: self._answer_limit_bytes]

    async def _ask_system(self, host: str, port: int) -> Sequence[str]:
        found = await asyncio.get_running_loop().run_in_executor(
            self._threads, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        )
        return [str(entry[4][0]) for entry in found]


@asynccontextmanager
async def _answered_within(timeout_s: float) -> AsyncIterator[None]:
    """Around a whole call, the name's resolution included."""
    try:
        async with asyncio.timeout(timeout_s):
            yield
    except TimeoutError:
        raise TargetUnreachable(f"No answer within {timeout_s:g} s.") from None
    except httpx.TransportError as error:
        raise TargetUnreachable(f"{type(error).__name__}: {error}"[:200]) from error


def _port_of(url: httpx.URL) -> int:
    if url.port is not None:
        return url.port
    return 443 if url.scheme == "https" else 80
