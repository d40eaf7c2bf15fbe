"""`fundline restart`: replaces instances one by one, and goes on when the gateway sends requests to the new one.

It signals and watches from outside; the runner that holds the stack starts what has ended.
"""

import os
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

from fundline.platform.command_errors import CommandFailed
from fundline.stack.engines.envoy_view import GatewayView
from fundline.stack.fleet import GATEWAY
from fundline.stack.ready import is_well
from fundline.stack.state import ProcessIdentity, ProcessRecord, StackState, StateFile

LIMIT_S = 90.0
LOOK_EVERY_S = 0.1


@dataclass(frozen=True)
class Rolling:
    """Restarts services of a running stack without a refused request."""

    state_file: StateFile
    say: Callable[[str], None]

    def restart(self, names: Sequence[str]) -> None:
        """`names` are processes or instances; none means every service. Raises CommandFailed."""
        for instance in chosen(self._state(), names):
            self._await_brothers(instance)
            before = self._record(instance).identity
            self.say(f"{instance}: asked to stop")
            if before is not None and before.is_alive():
                with suppress(ProcessLookupError):
                    os.kill(before.pid, signal.SIGTERM)
            self._until(partial(self._is_replaced, instance, before), f"{instance} did not come back")
            self.say(f"{instance}: restarted")

    def _await_brothers(self, instance: str) -> None:
        """Somebody must be there for what comes meanwhile."""
        process = self._record(instance).process
        for brother in self._state().processes:
            if brother.process == process and brother.instance != instance:
                self._until(
                    partial(self._serves, brother.instance),
                    f"{brother.instance} is not healthy, so {instance} was not restarted",
                )

    def _is_replaced(self, instance: str, before: ProcessIdentity | None) -> bool:
        return self._record(instance).identity != before and self._serves(instance)

    def _serves(self, instance: str) -> bool:
        """Ready by its own word, and in rotation where the gateway knows it."""
        record = self._record(instance)
        if record.identity is None or not record.identity.is_alive() or not is_well(record.health):
            return False
        gateway = next((r for r in self._state().processes if r.process == GATEWAY), None)
        if gateway is None:
            return True
        known = GatewayView(gateway.health.removesuffix("/ready")).in_rotation()
        return bool(known) and known.get(urlsplit(record.address).port or 0, True)

    def _until(self, condition: Callable[[], bool], otherwise: str) -> None:
        deadline = time.monotonic() + LIMIT_S
        while not condition():
            if time.monotonic() > deadline:
                raise CommandFailed(f"{otherwise} within {LIMIT_S:.0f} s; `fundline status` shows what runs.")
            time.sleep(LOOK_EVERY_S)

    def _record(self, instance: str) -> ProcessRecord:
        return next(record for record in self._state().processes if record.instance == instance)

    def _state(self) -> StackState:
        state = self.state_file.load()
        if state is None or not state.runner_is_alive():
            raise CommandFailed("The stack stopped meanwhile.")
        return state


def chosen(state: StackState, names: Sequence[str]) -> list[str]:
    """Instances of services, in the order of the fleet. Raises CommandFailed for a name that is not a service's."""
    services = [record for record in state.processes if record.kind == "service"]
    for name in names:
        if not any(name in (record.process, record.instance) for record in services):
            raise CommandFailed(f"{name} is not a service of this stack; `fundline status` lists them.")
    return [r.instance for r in services if not names or r.process in names or r.instance in names]
