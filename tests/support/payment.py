"""One disbursement worker, as its composition root wires it, without Kafka; and what it leaves in the database."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from openfeature.provider.in_memory_provider import InMemoryFlag, InMemoryProvider
from prometheus_client import CollectorRegistry

from fundline.banks.bank import Bank
from fundline.banks.guard import GuardedBank
from fundline.banks.sandbox import SandboxBank
from fundline.platform.clock import utc_now
from fundline.platform.database import Database
from fundline.platform.flags import Flags
from fundline.platform.http.client import JsonClient
from fundline.platform.telemetry.metrics import Metrics
from fundline.services.disbursement_worker.handlers import PaymentRequested, ScoringCompleted
from fundline.services.disbursement_worker.settings import Settings
from fundline.services.disbursement_worker.worker import Worker, make_worker


@dataclass
class MovedClock:
    """The machine's clock, put forward."""

    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        return utc_now() + self.ahead

    def advance(self, seconds: float) -> None:
        self.ahead += timedelta(seconds=seconds)


@dataclass
class TestedWorker:
    parts: Worker
    client: JsonClient
    metrics: Metrics
    settings: Settings
    clock: MovedClock

    __test__ = False

    async def deliver(self, event: Any) -> None:
        """`disbursement.requested` arrives."""
        await PaymentRequested(self.parts.payments, self.parts.desk)(event)

    async def deliver_score(self, event: Any) -> None:
        """`risk.scoring.completed` arrives."""
        await ScoringCompleted(self.parts.payments)(event)

    async def sweep(self) -> int:
        """Once, at a time when every payment that is not for a person is due; returns how many were taken."""
        self.clock.advance(120)
        return await self.parts.sweep.take_due()

    def calls(self, operation: str, result: str) -> float | None:
        """How often the bank was called with this result; None: never."""
        return self.metrics.registry.get_sample_value(
            "fundline_bank_calls_total", {"operation": operation, "result": result}
        )


def payments_on(metrics: Metrics) -> Flags:
    """Flags that nobody changes."""
    flags = Flags(InMemoryProvider({"payments": InMemoryFlag("on", {"on": "on"})}), metrics)
    flags.start()
    return flags


def worker_on(
    database: Database,
    bank_url: str,
    account_key_file: Path,
    *,
    timeout_s: float = 5.0,
    bank: Bank | None = None,
    flags: Flags | None = None,
    clock: MovedClock | None = None,
    breaker_clock: Callable[[], float] = time.monotonic,
) -> TestedWorker:
    """`bank` is another adapter than that of `bank_url`; without `flags` payments are on."""
    settings = Settings(
        database_url="unused",
        kafka_bootstrap="unused",
        bank_url=bank_url,
        bank_timeout_s=timeout_s,
        account_key_file=account_key_file,
        bank_webhook_secret_file=account_key_file,
    )
    metrics = Metrics(CollectorRegistry())
    client = JsonClient(bank_url, timeout_s=timeout_s)
    moved = clock or MovedClock()
    parts = make_worker(
        settings,
        database,
        flags or payments_on(metrics),
        GuardedBank("bank", bank or SandboxBank(client), metrics, clock=breaker_clock),
        metrics,
        now=moved,
    )
    return TestedWorker(parts, client, metrics, settings, moved)


async def disbursement(database: Database, application_id: UUID) -> Any:
    return await database.fetchrow("select * from disbursements where application_id = $1", application_id)


async def status(database: Database, application_id: UUID) -> tuple[str, int]:
    row = await database.fetchrow(
        "select status, status_sequence from applications where application_id = $1", application_id
    )
    assert row is not None
    return row["status"], row["status_sequence"]


async def events(database: Database, application_id: UUID) -> list[tuple[str, dict[str, Any]]]:
    """Topic and payload of every event about the application, in order."""
    rows = await database.fetch(
        "select topic, payload from outbox where key = $1 order by position", application_id
    )
    return [(row["topic"], json.loads(row["payload"])) for row in rows]


async def audited(database: Database, application_id: UUID) -> list[str]:
    """What the audit trail says of the application's payment, in order."""
    rows = await database.fetch(
        "select action from audit_entries where stream = $1 and action like 'payment.%' order by sequence",
        f"application:{application_id}",
    )
    return [row["action"] for row in rows]


async def cases(database: Database, application_id: UUID) -> list[tuple[str, str]]:
    """Kind and state of every case about the application, in the order of opening."""
    rows = await database.fetch(
        "select kind, state from cases where application_id = $1 order by case_id", application_id
    )
    return [(row["kind"], row["state"]) for row in rows]
