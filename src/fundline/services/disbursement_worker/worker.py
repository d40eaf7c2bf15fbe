"""The parts of a worker, put together: the same in the process and in tests."""

from dataclasses import dataclass
from datetime import timedelta

from fundline.banks.guard import GuardedBank
from fundline.platform.clock import Clock, utc_now
from fundline.platform.database import Database
from fundline.platform.flags import Flags
from fundline.platform.secrets import SecretBox
from fundline.platform.telemetry.metrics import Metrics
from fundline.services.disbursement_worker.bank_desk import BankDesk
from fundline.services.disbursement_worker.gate import Gate, KillSwitch
from fundline.services.disbursement_worker.orders import Orders
from fundline.services.disbursement_worker.payments import Payments
from fundline.services.disbursement_worker.results import ResultBook
from fundline.services.disbursement_worker.settings import Settings
from fundline.services.disbursement_worker.sweep import Sweep


@dataclass(frozen=True)
class Worker:
    gate: Gate
    payments: Payments
    desk: BankDesk
    results: ResultBook
    sweep: Sweep


def make_worker(
    settings: Settings,
    database: Database,
    flags: Flags,
    bank: GuardedBank,
    metrics: Metrics,
    *,
    now: Clock = utc_now,
) -> Worker:
    gate = Gate(KillSwitch(flags, metrics), bank.breaker)
    secrets = SecretBox(settings.account_key_file)
    payments = Payments(database, Orders(secrets), gate, step_lasts=settings.step_lasts, now=now)
    results = ResultBook(database, metrics, now=now)
    desk = BankDesk(database, bank, gate, payments, results, now=now)
    sweep = Sweep(
        database,
        gate,
        payments,
        desk,
        metrics,
        step_lasts=settings.step_lasts,
        escalate_after=timedelta(seconds=settings.payment_escalation_s),
        every_s=settings.sweep_every_s,
        now=now,
    )
    return Worker(gate, payments, desk, results, sweep)
