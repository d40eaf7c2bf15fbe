from typing import Annotated

from pydantic import Field

from fundline.platform.flags import FlagSettings
from fundline.platform.settings import KafkaSettings
from fundline.records.cached import ScoreCacheSettings
from fundline.risk.cashflow import DEFAULT_PATHS
from fundline.services.risk_worker.guardrail import GuardrailSettings


class Settings(KafkaSettings, ScoreCacheSettings, FlagSettings, GuardrailSettings):
    """Of one process of a pool; a lane's limits are those of its own processes."""

    model_url: str
    """The model service, or any server of the Open Inference Protocol v2 with our models."""
    model_timeout_s: Annotated[float, Field(gt=0, le=10)] = 1.0
    """For one call; there are at most three, and none while the circuit breaker is open."""
    simulation_paths: Annotated[int, Field(ge=1000, le=1_000_000)] = DEFAULT_PATHS
    """Simulated futures per application."""
    compute_threads: Annotated[int, Field(ge=1, le=64)] = 1
    """Simulations side by side in this process; more processes use more cores better."""
    intake_concurrency: Annotated[int, Field(ge=1, le=100)] = 4
    """Applications begun side by side; apart from scoring, so that neither waits for the other."""
