"""Follows one application over server-sent events until nothing more happens without a person."""

import asyncio
import time
from collections.abc import Callable

import httpx
import orjson

from fundline.demo.client import FundlineClient, StreamRefused
from fundline.demo.journey import Journey
from fundline.demo.sse import EventTooLarge, StreamEvent
from fundline.domain.application import ApplicationStatus

Clock = Callable[[], float]


async def follow(
    journey: Journey, client: FundlineClient, token: str, clock: Clock = time.perf_counter
) -> None:
    """Returns when the application is settled. A stream that breaks is opened again with Last-Event-ID.

    Has no time limit of its own: the caller cancels. Returns early when asking again makes no sense.
    """
    assert journey.application_id is not None  # noqa: S101 - only accepted applications are followed
    last_event_id = ""
    failures = 0
    while True:
        try:
            async with client.status_stream(journey.application_id, token, last_event_id) as events:
                async for event in events:
                    failures = 0
                    last_event_id = event.event_id or last_event_id
                    _note(journey, event, clock())
                    if journey.is_settled:
                        return
        except StreamRefused as refusal:
            if not refusal.may_repeat:
                journey.trouble.append(f"its status stream was refused: {refusal}")
                return
        except EventTooLarge as error:
            journey.trouble.append(str(error))
            return
        except httpx.TransportError:
            pass
        await asyncio.sleep(client.pause_s(failures))
        failures += 1
        journey.reconnects += 1


def _note(journey: Journey, event: StreamEvent, at: float) -> None:
    try:
        told = orjson.loads(event.data)
        status, sequence = ApplicationStatus(told["status"]), int(told["sequence"])
    except (ValueError, KeyError, TypeError):
        journey.trouble.append(f"its stream told something that is no status: {event.data[:200]}")
        return
    journey.saw(status, sequence, at)
