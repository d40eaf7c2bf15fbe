"""The fleet: every process of Fundline in one table.

A process is `python -m fundline.<module>`, in N instances, each with its own HTTP port for health and metrics; what
lies below `outside` stands in for what is not ours. `depends_on` decides three things: what must be ready before it
starts, the reverse order in which it stops, and which settings it gets. A process is given nothing that it does not
depend on.
"""

from collections.abc import Sequence
from dataclasses import dataclass

POSTGRES, VALKEY, KAFKA, GATEWAY = "postgres", "valkey", "kafka", "gateway"
"""Engines."""
TOKENS, ACCOUNT_KEY, BANK_LEDGER, FLAGS = "tokens", "account-key", "bank-ledger", "flags"
BANK_KEY, BANK_EVENTS = "bank-webhook-secret", "bank-events"
"""Files: public keys of access tokens; the key of payout accounts; the sandbox bank's own ledger; feature flags; the
secret of the bank's webhooks. And where the bank sends them, which is not a dependency: a bank starts by itself."""
AUDIT_ANCHORS = "audit-anchors"
"""Files: the anchors of the audit trail, and the key that signs them."""

WEBHOOK_KEY, MAIL_SERVER = "webhook-key", "mail-server"
"""A file: the key that seals the secrets of webhook endpoints. And where the mail server is, which may be away."""

BANK, MODELS, WORKER = "bank-sandbox", "model-service", "disbursement-worker"

ENGINES = (POSTGRES, VALKEY, KAFKA, GATEWAY)


@dataclass(frozen=True, slots=True)
class Process:
    name: str
    module: str
    instances: int
    depends_on: tuple[str, ...] = ()
    """Engines and other processes of the fleet."""
    reads: tuple[str, ...] = ()
    """Files it may read."""

    def instance_names(self) -> list[str]:
        return [f"{self.name}-{number}" for number in range(1, self.instances + 1)]


# fmt: off
FLEET: tuple[Process, ...] = (
    #       name                    module                                  instances, depends_on, reads
    Process(BANK,                   "outside.bank_sandbox.main",            1, (),
            (BANK_LEDGER, BANK_KEY, BANK_EVENTS)),
    Process(MODELS,                 "services.model_service.main",          1),
    Process("event-router",         "services.event_router.main",           2, (POSTGRES, KAFKA), (AUDIT_ANCHORS,)),
    Process("risk-worker",          "services.risk_worker.main",            2, (POSTGRES, KAFKA, VALKEY, MODELS),
            (FLAGS,)),
    Process("risk-worker-express",  "services.risk_worker.express_main",    2, (POSTGRES, KAFKA, VALKEY, MODELS),
            (FLAGS,)),
    Process(WORKER,                 "services.disbursement_worker.main",    2, (POSTGRES, KAFKA, BANK),
            (ACCOUNT_KEY, BANK_KEY, FLAGS)),
    Process("application-events",   "services.application_api.events_main", 2, (POSTGRES, KAFKA)),
    Process("application-api",      "services.application_api.main",        2, (POSTGRES,), (TOKENS, ACCOUNT_KEY)),
    Process("dead-letter-keeper",   "services.dead_letter_keeper.main",     1, (POSTGRES, KAFKA)),
    Process("operations-api",       "services.operations_api.main",         2, (POSTGRES,), (TOKENS, FLAGS)),
    Process("mail-sink",            "outside.mail_sink.main",               1, (), (MAIL_SERVER,)),
    Process("notification-service", "services.notification_service.main",   2, (POSTGRES, KAFKA),
            (TOKENS, WEBHOOK_KEY, MAIL_SERVER)),
    Process("status-service",       "services.status_api.main",             2, (POSTGRES, KAFKA, VALKEY), (TOKENS,)),
    Process("reconciler",           "services.reconciler.main",             1, (POSTGRES, KAFKA, VALKEY, BANK)),
)
# fmt: on

# What people reach runs twice: one instance may die or be replaced, and nobody sees it.
BEHIND_THE_GATEWAY = ("application-api", "status-service", "operations-api", "notification-service")


def stop_order(fleet: Sequence[Process]) -> list[list[str]]:
    """Names of processes in groups: each group stops side by side, dependents before what they depend on."""
    remaining = list(fleet)
    order: list[list[str]] = []
    while remaining:
        needed = {name for process in remaining for name in process.depends_on}
        free = [process for process in remaining if process.name not in needed]
        if not free:
            raise ValueError(f"the fleet depends on itself in a circle: {[p.name for p in remaining]}")
        order.append([process.name for process in free])
        remaining = [process for process in remaining if process not in free]
    return order
