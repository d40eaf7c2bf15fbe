"""Follows one application over server-sent events until nothing more happens without a person."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable

import httpx
import orjson

from fundline.demo.client import FundlineClient, StreamRefused
from fundline.demo.journey import Journey
from fundline.demo.sse import EventTooLarge, StreamEvent
from fundline.domain.application import ApplicationStatus

Clock = Callable[[], float]
END_WITHIN_S = 1.0


async def follow(
    journey: Journey, client: FundlineClient, token: str, clock: Clock = time.perf_counter
) -> None:
    """Returns when the application is settled. A stream that breaks is opened again with Last-Event-ID.

    Has no time limit of its own: the caller cancels. Returns early when asking again makes no sense.
    """
    assert journey.application_id is not None  # noqa: S101 - only accepted applications are followed
    failures = 0
    while True:
        read_before = journey.sequence
        try:
            async with client.status_stream(journey.application_id, token, journey.sequence) as events:
                await _read(journey, events, clock)
        except StreamRefused as refusal:
            if not refusal.may_repeat:
                journey.trouble.append(f"its status stream was refused: {refusal}")
                return
        except EventTooLarge as error:
            journey.trouble.append(str(error))
            return
        except httpx.TransportError:
            pass
        if journey.is_settled:
            return
        failures = 0 if journey.sequence > read_before else failures + 1
        await asyncio.sleep(client.pause_s(failures))
        journey.reconnects += 1


async def _read(journey: Journey, events: AsyncIterator[StreamEvent], clock: Clock) -> None:
    """Until the stream ends. It ends by itself after a final status, and its connection can then be used again."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(None) as limit:
            async for event in events:
                _note(journey, event, clock())
                if journey.status is ApplicationStatus.PENDING_REVIEW:
                    return
                if journey.is_settled:
                    limit.reschedule(asyncio.get_running_loop().time() + END_WITHIN_S)


def _note(journey: Journey, event: StreamEvent, at: float) -> None:
    try:
        told = orjson.loads(event.data)
        status, sequence = ApplicationStatus(told["status"]), int(told["sequence"])
    except (ValueError, KeyError, TypeError):
        journey.trouble.append(f"its stream told something that is not a status: {event.data[:200]}")
        return
    journey.saw(status, sequence, at)
