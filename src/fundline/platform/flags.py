"""Feature flags through OpenFeature: from a flagd file on this machine, or from LaunchDarkly.

Invariant: a flag never stops anything. A file that is missing or broken, a flag that nobody knows, a value of another
type: the caller's default, with a log line and a metric. What was read last stays in force while the file is broken.
"""

import asyncio
import itertools
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import SecretStr

from fundline.platform.metrics import ProcessMetrics
from fundline.platform.settings import ProcessSettings
from fundline.platform.telemetry.logs import get_log
from fundline.platform.telemetry.metrics import Metrics

if TYPE_CHECKING:
    from openfeature.event import EventDetails
    from openfeature.provider import FeatureProvider

POLL_S = 0.25
"""How often the flagd provider looks at the file's time of change."""
LAUNCHDARKLY_START_S = 5.0
_LIBRARIES = ("openfeature", "ldclient", "launchdarkly-openfeature-server")
_domains = itertools.count(1)


class FlagFileSettings(ProcessSettings):
    flags_provider: Literal["file", "launchdarkly"] = "file"
    """Where flags come from: a file in the form of flagd, or LaunchDarkly."""
    flags_file: Path = Path("flags.json")
    """The flagd file; a change is in force within half a second. The operations API writes it, so that all instances
    need the same file: on one volume."""


class FlagSettings(FlagFileSettings):
    launchdarkly_sdk_key: SecretStr = SecretStr("")
    """Server-side SDK key, for FUNDLINE_FLAGS_PROVIDER=launchdarkly."""


class BadFlagSettings(ValueError):
    """The settings name a provider without what it needs."""


@dataclass(frozen=True, slots=True)
class FlagValue:
    """`reason` is OpenFeature's, such as TARGETING_MATCH or STATIC; on a default the code of the error."""

    value: str
    variant: str | None
    reason: str


class Flags:
    """Evaluation is in memory and takes some 50 us. The provider keeps itself current in a thread of its own."""

    def __init__(self, provider: "FeatureProvider", metrics: Metrics) -> None:
        from openfeature import api
        from openfeature.event import ProviderEvent

        self._provider, self._evaluations = provider, metrics.of(ProcessMetrics).flag_evaluations
        self._domain = f"fundline-{next(_domains)}"  # OpenFeature's registry is global; ours is not
        self._client = api.get_client(self._domain)
        self._log = get_log()
        self._is_broken = False
        self._defaulted: set[str] = set()
        self._client.add_handler(ProviderEvent.PROVIDER_ERROR, self._broken)
        self._client.add_handler(ProviderEvent.PROVIDER_READY, self._mended)

    def start(self) -> None:
        """Read the flags for the first time; blocks for as long as that takes. Never raises."""
        from openfeature import api

        try:
            api.set_provider_and_wait(self._provider, self._domain)
        except Exception as error:  # providers raise what they like; it goes on trying behind us
            self._log.warning("flags.not_read", cause=str(error.__cause__ or error))

    def string(
        self, flag: str, default: str, *, targeting_key: str, attributes: Mapping[str, str] | None = None
    ) -> FlagValue:
        """The flag's value for this subject, or the default. Never raises."""
        from openfeature.evaluation_context import EvaluationContext

        context = EvaluationContext(targeting_key, dict(attributes or {}))
        try:
            details = self._client.get_string_details(flag, default, context)
        except Exception as error:  # a hook or a provider that breaks its contract must not break its caller
            return self._default(flag, default, "GENERAL", str(error))
        if details.error_code is not None:
            return self._default(flag, default, str(details.error_code.value), details.error_message or "")
        if flag in self._defaulted:
            self._defaulted.discard(flag)
            self._log.info("flags.evaluated_again", flag=flag)
        reason = str(details.reason) if details.reason else "UNKNOWN"
        self._evaluations.labels(flag, details.variant or "none", reason).inc()
        return FlagValue(details.value, details.variant, reason)

    async def close(self) -> None:
        """The provider's thread ends by itself after this."""
        from openfeature import api
        from openfeature.provider.no_op_provider import NoOpProvider

        await asyncio.to_thread(api.set_provider, NoOpProvider(), self._domain)

    def _default(self, flag: str, default: str, code: str, message: str) -> FlagValue:
        if flag not in self._defaulted:
            self._defaulted.add(flag)
            self._log.warning("flags.default_used", flag=flag, default=default, code=code, cause=message)
        self._evaluations.labels(flag, "none", code).inc()
        return FlagValue(default, None, code)

    def _broken(self, details: "EventDetails") -> None:
        """Called at each look at a broken file; said once."""
        if not self._is_broken:
            self._is_broken = True
            self._log.warning("flags.broken", cause=details.message, provider=details.provider_name)

    def _mended(self, details: "EventDetails") -> None:
        if self._is_broken:
            self._is_broken = False
            self._log.info("flags.mended", provider=details.provider_name)


async def open_flags(settings: FlagSettings, metrics: Metrics) -> Flags:
    """Flags from the provider of the settings. Raises BadFlagSettings; a source that is away raises nothing."""
    for library in _LIBRARIES:  # they log a traceback for each evaluation and each look; ours are said once
        logging.getLogger(library).setLevel(logging.CRITICAL)
    if settings.flags_provider == "launchdarkly":
        provider = await asyncio.to_thread(
            launchdarkly_provider, settings.launchdarkly_sdk_key.get_secret_value()
        )
    else:
        provider = file_provider(settings.flags_file)
    flags = Flags(provider, metrics)
    await asyncio.to_thread(flags.start)
    return flags


def file_provider(file: Path) -> "FeatureProvider":
    from openfeature.contrib.provider.flagd import FlagdProvider
    from openfeature.contrib.provider.flagd.config import ResolverType

    return FlagdProvider(
        resolver_type=ResolverType.FILE,
        offline_flag_source_path=str(file),
        deadline_ms=int(POLL_S * 1000),  # with this resolver the deadline is the pause between two looks
    )


def launchdarkly_provider(sdk_key: str, **configuration: Any) -> "FeatureProvider":
    """Blocks until connected, five seconds at most. `configuration` goes to LaunchDarkly's Config."""
    from ld_openfeature import LaunchDarklyProvider
    from ldclient import Config

    if not sdk_key:
        raise BadFlagSettings(
            "FUNDLINE_FLAGS_PROVIDER is launchdarkly; set FUNDLINE_LAUNCHDARKLY_SDK_KEY to a server-side SDK key."
        )
    provider: FeatureProvider = LaunchDarklyProvider(
        Config(sdk_key, **configuration), start_wait=LAUNCHDARKLY_START_S
    )
    return provider
