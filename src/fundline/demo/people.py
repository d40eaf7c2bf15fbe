"""The people of the unhappy part: an applicant, an underwriter and two operators, each with their own token."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import httpx

from fundline.demo.client import trust
from fundline.demo.target import Target

T = TypeVar("T")

PATIENCE_S = 45.0
"""Longer than the bank's time-out and the look-ups after it."""
LOOK_EVERY_S = 0.1
TIMEOUT = httpx.Timeout(15.0, connect=3.0)


class NotAsTold(Exception):
    """The platform did something else than it should have; the sentence says what."""


class People:
    """Calls the public API as somebody. `run` stands in every subject, so that no other run's people are met."""

    def __init__(self, target: Target, run: str) -> None:
        self._target, self._run = target, run
        self._client = httpx.AsyncClient(
            base_url=target.gateway_url,
            verify=trust(target.authority_certificate),
            timeout=TIMEOUT,
            trust_env=False,
        )

    def subject(self, name: str) -> str:
        return f"demo-{self._run}-{name}"

    async def get(self, name: str, role: str, path: str, **query: str) -> dict[str, Any]:
        answer = await self._client.get(path, params=query, headers=self._headers(name, role))
        return _body(answer)

    async def post(self, name: str, role: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Raises NotAsTold with the refusal's sentence."""
        return _body(await self.post_raw(name, role, path, body))

    async def post_raw(self, name: str, role: str, path: str, body: dict[str, Any]) -> httpx.Response:
        headers = self._headers(name, role) | {"idempotency-key": str(uuid.uuid4())}
        return await self._client.post(path, json=body, headers=headers)

    async def apply(self, body: dict[str, Any], *, by: str = "ann") -> str:
        """The application's id."""
        return str((await self.post(by, "applicant", "/v1/applications", body))["id"])

    async def application(self, application_id: str, *, by: str = "ann") -> dict[str, Any]:
        return await self.get(by, "applicant", f"/v1/applications/{application_id}")

    async def status_becomes(self, application_id: str, *wanted: str, by: str = "ann") -> dict[str, Any]:
        """The application once it has one of these statuses. Raises NotAsTold."""

        async def look() -> dict[str, Any] | None:
            found = await self.application(application_id, by=by)
            return found if found["status"] in wanted else None

        return await soon(look, f"application {application_id} did not become {' or '.join(wanted)}")

    async def story(self, application_id: str) -> list[dict[str, Any]]:
        """The audit trail's entries, as compliance reads them."""
        page = await self.get("cora", "compliance", f"/v1/audit/{application_id}")
        return list(page["entries"])

    async def close(self) -> None:
        await self._client.aclose()

    def _headers(self, name: str, role: str) -> dict[str, str]:
        return {"authorization": f"Bearer {self._target.token(self.subject(name), role)}"}


async def soon(look: Callable[[], Awaitable[T | None]], otherwise: str) -> T:
    """What `look` finds, within a time. Raises NotAsTold with `otherwise`."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            while (found := await look()) is None:  # noqa: ASYNC110 - over HTTP there is nothing to wait on
                await asyncio.sleep(LOOK_EVERY_S)
            return found
    except TimeoutError:
        raise NotAsTold(f"{otherwise} within {PATIENCE_S:.0f} s") from None


def _body(answer: httpx.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        body = {}
    if answer.is_error or not isinstance(body, dict):
        detail = body.get("detail", "") if isinstance(body, dict) else ""
        raise NotAsTold(f"{answer.request.url.path} answered {answer.status_code}: {detail}")
    return body
