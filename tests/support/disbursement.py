"""One disbursement worker, as its composition root wires it, without Kafka; and what it leaves in the database."""

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from prometheus_client import CollectorRegistry

from fundline.platform.database import Database
from fundline.platform.http.client import JsonClient
from fundline.platform.secrets import SecretBox
from fundline.platform.telemetry.metrics import Metrics
from fundline.services.disbursement_worker.handlers import PaymentRequested, ScoringCompleted
from fundline.services.disbursement_worker.payment_gateway import SandboxBank
from fundline.services.disbursement_worker.results import ResultBook
from fundline.services.disbursement_worker.use_cases import Payout

WITHIN_S = 900.0


@dataclass
class Worker:
    payout: Payout
    results: ResultBook
    client: JsonClient
    metrics: Metrics

    async def deliver(self, event):
        """`disbursement.requested` arrives."""
        await PaymentRequested(self.payout, within_s=WITHIN_S)(event)

    async def deliver_score(self, event):
        """`risk.scoring.completed` arrives."""
        await ScoringCompleted(self.payout, within_s=WITHIN_S)(event)

    def calls(self, operation: str, result: str) -> float | None:
        """How often the bank was called with this result; None: never."""
        return self.metrics.registry.get_sample_value(
            "fundline_bank_calls_total", {"operation": operation, "result": result}
        )


def make_worker(database: Database, box: SecretBox, bank_url: str, timeout_s: float) -> Worker:
    metrics = Metrics(CollectorRegistry())
    client = JsonClient(bank_url, timeout_s=timeout_s)
    results = ResultBook(database, metrics)
    return Worker(Payout(database, SandboxBank(client, metrics), box, results), results, client, metrics)


async def disbursement(database: Database, application_id: UUID) -> Any:
    return await database.fetchrow("select * from disbursements where application_id = $1", application_id)


async def status(database: Database, application_id: UUID) -> tuple[str, int]:
    row = await database.fetchrow(
        "select status, status_sequence from applications where application_id = $1", application_id
    )
    return tuple(row)


async def events(database: Database, application_id: UUID) -> list[tuple[str, dict[str, Any]]]:
    """Topic and payload of every event about the application, in order."""
    rows = await database.fetch(
        "select topic, payload from outbox where key = $1 order by position", application_id
    )
    return [(row["topic"], json.loads(row["payload"])) for row in rows]
