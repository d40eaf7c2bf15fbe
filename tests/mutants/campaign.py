"""The list: one small fault each, and the tests that must notice it. `before` stands exactly once in its file."""

from dataclasses import dataclass

D, K, A = "platform/database", "platform/kafka", "platform/audit"
W = "services/disbursement_worker"
PAY = "tests/integration/disbursement_worker"
RUNTIME = "tests/integration/platform/test_consumer_runtime.py"
ROUTER = "tests/integration/event_router/test_event_router.py"
POOL = "tests/integration/platform/test_database.py"
LEDGER = "tests/integration/ledger/test_ledger_rules.py"
KEYS = "tests/integration/application_api/test_idempotency_promises.py"
TAMPERING = "tests/integration/audit/test_audit_tampering.py"
ANCHORING = "tests/integration/audit/test_anchoring.py"
LETTERS = "tests/integration/dead_letters"


@dataclass(frozen=True, slots=True)
class Mutation:
    """`file` below `src/fundline`; `tests` are arguments for pytest."""

    name: str
    file: str
    before: str
    after: str
    tests: tuple[str, ...]


def _m(name: str, file: str, before: str, after: str, *tests: str) -> Mutation:
    return Mutation(name, f"{file}.py", before, after, tests)


MUTATIONS = (
    # the database
    _m(
        "row-busy-is-a-bug",
        f"{D}/errors",
        "isinstance(error, asyncpg.LockNotAvailableError)",
        "isinstance(error, asyncpg.NoDataFoundError)",
        POOL,
    ),
    _m("constraint-unnamed", f"{D}/errors", 'get("constraint_name", "")', 'get("table_name", "")', POOL),
    _m(
        "no-end-to-acquiring",
        f"{D}/pool",
        "self._pool.acquire(timeout=_ACQUIRE_S)",
        "self._pool.acquire()",
        POOL,
    ),
    _m(
        "event-every-time",
        f"{D}/inbox",
        "event_id) is not None",
        "event_id) is not None or True",
        POOL,
    ),
    _m("outbox-waits-for-locks", f"{D}/outbox", "for update skip locked", "for update", ROUTER),
    _m(
        "outbox-out-of-order",
        f"{D}/outbox",
        "from batch order by position",
        "from batch order by position desc",
        ROUTER,
    ),
    _m(
        "outbox-newest-first",
        f"{D}/outbox",
        "from outbox order by position limit",
        "from outbox order by position desc limit",
        ROUTER,
    ),
    _m(
        "key-of-anybody",
        f"{D}/idempotency",
        'row["request_hash"] != key.request_hash',
        'row["request_hash"] is None',
        KEYS,
    ),
    _m(
        "answer-not-kept",
        f"{D}/idempotency",
        "set response_status = $3, response_body",
        "set response_status = 200, response_body",
        KEYS,
    ),
    _m(
        "refusal-not-kept", f"{D}/idempotency", "if not refusal.is_decided or await", "if True or await", KEYS
    ),
    _m(
        "path-not-in-the-hash",
        f"{D}/idempotency",
        "(method.encode(), path.encode(), body)",
        "(method.encode(), body)",
        KEYS,
        "tests/integration/application_api/test_review.py",
    ),
    # Kafka
    _m(
        "unsettled-committed",
        f"{K}/consumer",
        "        if settled:\n",
        "        if settled or True:\n",
        RUNTIME,
    ),
    _m(
        "key-without-order",
        f"{K}/consumer",
        "        if before is not None:\n            await asyncio.wait([before])\n",
        "",
        RUNTIME,
    ),
    _m(
        "away-costs-an-attempt",
        f"{K}/consumer",
        "        except (Unavailable, PublishFailed):\n            raise\n",
        "",
        RUNTIME,
    ),
    _m("retry-at-once", f"{K}/consumer", "        await self._wait_until_due(delivery)\n", "", RUNTIME),
    _m(
        "limit-not-taken",
        f"{K}/consumer",
        "            self._limit.take()\n",
        "            pass\n",
        LETTERS + "/test_dead_letter_flood.py",
    ),
    _m("no-back-pressure", f"{K}/poller", "self._tracker.in_flight - parked >= limit", "False", RUNTIME),
    # the audit trail
    _m(
        "chain-not-linked",
        f"{A}/trail",
        "sha256(stream_head.hash || $8::bytea)",
        "sha256($8::bytea)",
        TAMPERING,
    ),
    _m(
        "reason-not-hashed",
        f"{A}/trail",
        "            action,\n            reason,\n            details_text,\n            None",
        '            action,\n            "",\n            details_text,\n            None',
        TAMPERING,
    ),
    _m(
        "gap-not-seen",
        f"{A}/chains",
        "if sequence != place.sequence + 1:",
        "if sequence < place.sequence + 1:",
        TAMPERING,
    ),
    _m("tail-not-missed", f"{A}/chains", 'if row["agrees"] is None:', 'if row["agrees"] is ...:', TAMPERING),
    _m(
        "anchors-unsigned",
        f"{A}/anchor_check",
        "if not keys.is_signed(content, signature, anchor.key_id):",
        "if False:",
        TAMPERING,
    ),
    _m(
        "anchors-unlinked", f"{A}/anchor_check", "elif anchor.previous != previous:", "elif False:", TAMPERING
    ),
    _m(
        "cut-end-not-missed",
        f"{A}/anchor_check",
        "if (logged := scratch.last_logged()) > number:",
        "if (logged := scratch.last_logged()) > number + 10**9:",
        TAMPERING,
    ),
    _m(
        "marked-too-far",
        f"{A}/unanchored",
        "set anchored_sequence = anchored.sequence",
        "set anchored_sequence = head.sequence",
        ANCHORING,
        TAMPERING,
    ),
    _m(
        "anchoring-waits-for-writers",
        f"{A}/unanchored",
        "for no key update skip locked",
        "for no key update",
        ANCHORING,
    ),
    # paying
    _m(
        "claims-collide",
        f"{W}/store",
        "limit :most for no key update skip locked",
        "limit :most",
        f"{PAY}/test_sweep_claims.py",
    ),
    _m(
        "due-a-moment-late",
        f"{W}/store",
        "where next_step_at <= :now",
        "where next_step_at < :now",
        f"{PAY}/test_sweep_claims.py",
    ),
    _m(
        "overdue-a-moment-late",
        f"{W}/store",
        "submitted_at <= $1",
        "submitted_at < $1",
        f"{PAY}/test_unknown_payments.py",
    ),
    _m(
        "other-amount-paid",
        f"{W}/payments",
        "if application.amount != amount:",
        "if False:",
        f"{PAY}/test_paying_once.py",
    ),
    _m(
        "paid-before-approval",
        f"{W}/payments",
        "if application.status is not ApplicationStatus.APPROVED:",
        "if False:",
        f"{PAY}/test_paying_once.py",
    ),
    _m(
        "submitted-twice",
        f"{W}/payments",
        "if payment.state not in (PaymentState.EXPECTED, PaymentState.REQUESTED):",
        "if False:",
        f"{PAY}/test_paying_once.py",
    ),
    _m(
        "no-release-needed",
        f"{W}/payments",
        "if payment.needs_release and payment.released_by is None:",
        "if False:",
        "tests/integration/operations_api",
    ),
    _m(
        "halt-ignored",
        f"{W}/payments",
        "        if hold is not None:\n            await store",
        "        if False:\n            await store",
        f"{PAY}/test_holding_payments.py",
    ),
    _m(
        "silence-is-no",
        f"{W}/bank_desk",
        "        except CallUnanswered:\n            await self._mark_unknown(payment)\n            raise\n",
        "        except CallUnanswered:\n            raise\n",
        f"{PAY}/test_unknown_payments.py",
    ),
    _m(
        "lost-and-sent-again",
        f"{W}/bank_desk",
        "if found is None and payment.is_accepted:",
        "if False:",
        f"{PAY}/test_unknown_payments.py",
    ),
    _m(
        "contradiction-written-over",
        f"{W}/results",
        "elif _is_known(payment, result):",
        "elif False:",
        f"{PAY}/test_bank_events.py",
        f"{PAY}/test_unknown_payments.py",
    ),
    _m(
        "stated-amount-ignored",
        f"{W}/contradictions",
        "if result.amount not in (None, payment.amount):",
        "if False:",
        f"{PAY}/test_bank_events.py",
    ),
    _m(
        "held-and-ended",
        f"{W}/results",
        "elif await store.is_held(connection, payment.payment_id):",
        "elif False:",
        f"{PAY}/test_contradicted_payments.py",
    ),
    _m(
        "webhook-unsigned",
        f"{W}/bank_events",
        "        self._verify(body, headers)\n",
        "",
        f"{PAY}/test_bank_events.py",
    ),
    _m(
        "wrong-lender-repaid",
        "records/ledger",
        "fetchval(FUNDING_OF_PAYMENT, payment_id)",
        "fetchval(FUNDING_OF_CURRENCY, currency)",
        "tests/integration/ledger",
    ),
    _m(
        "fee-not-booked",
        "records/ledger",
        "    if fee is not None:\n        rows",
        "    if fee is None:\n        rows",
        "tests/integration/ledger",
        f"{PAY}/test_payment_rules.py",
    ),
    _m(
        "pending-corrected",
        "records/ledger",
        'if PaymentState(payment["state"]) in WITH_THE_BANK:',
        "if False:",
        LEDGER,
    ),
    _m(
        "application-not-locked",
        "records/status",
        "from applications where application_id = $1 for no key update",
        "from applications where application_id = $1",
        f"{PAY}/test_paying_once.py",
        "tests/integration/application_api/test_review.py",
    ),
    _m(
        "status-untold",
        "records/status",
        "    await store_events(connection, [event])\n",
        "",
        f"{PAY}/test_paying_once.py",
    ),
    _m(
        "own-application-in-bulk",
        "services/operations_api/dead_letters/bulk",
        "            require_uninvolved(change.caller, first=None, applicant=letter.applicant)\n",
        "",
        LETTERS + "/test_dead_letter_replay.py",
    ),
)
