"""Faults in what knows nothing of funding: the database, Kafka, the audit trail."""

from mutants.mutation import mutation

D, K, A = "platform/database", "platform/kafka", "platform/audit"
RUNTIME = "tests/integration/platform/test_consumer_runtime.py"
ROUTER = "tests/integration/event_router/test_event_router.py"
POOL = "tests/integration/platform/test_database.py"
KEYS = "tests/integration/application_api/test_idempotency_promises.py"
TAMPERING = "tests/integration/audit/test_audit_tampering.py"
ANCHORING = "tests/integration/audit/test_anchoring.py"

PLATFORM_FAULTS = (
    # the database
    mutation(
        "row-busy-is-a-bug",
        f"{D}/errors",
        "isinstance(error, asyncpg.LockNotAvailableError)",
        "isinstance(error, asyncpg.NoDataFoundError)",
        POOL,
    ),
    mutation(
        "constraint-unnamed", f"{D}/errors", 'get("constraint_name", "")', 'get("table_name", "")', POOL
    ),
    mutation(
        "no-end-to-acquiring",
        f"{D}/pool",
        "self._pool.acquire(timeout=_ACQUIRE_S)",
        "self._pool.acquire()",
        POOL,
    ),
    mutation(
        "event-every-time",
        f"{D}/inbox",
        "event_id) is not None",
        "event_id) is not None or True",
        POOL,
    ),
    mutation("outbox-waits-for-locks", f"{D}/outbox", "for update skip locked", "for update", ROUTER),
    mutation(
        "outbox-out-of-order",
        f"{D}/outbox",
        "from batch order by position",
        "from batch order by position desc",
        ROUTER,
    ),
    mutation(
        "outbox-newest-first",
        f"{D}/outbox",
        "order by position limit $1 for update",
        "order by position desc limit $1 for update",
        ROUTER,
    ),
    mutation(
        "key-of-anybody",
        f"{D}/idempotency",
        'row["request_hash"] not in {key.request_hash, key.hash_as_sent}',
        'row["request_hash"] is None',
        KEYS,
    ),
    mutation(
        "answer-not-kept",
        f"{D}/idempotency",
        "set response_status = $3, response_body",
        "set response_status = 200, response_body",
        KEYS,
    ),
    mutation(
        "refusal-not-kept", f"{D}/idempotency", "if not refusal.is_decided or await", "if True or await", KEYS
    ),
    mutation(
        "path-not-in-the-hash",
        f"{D}/idempotency",
        'f"{method}\\n{path}\\n".encode()',
        'f"{method}\\n".encode()',
        KEYS,
        "tests/integration/application_api/test_review.py",
    ),
    # Kafka
    mutation(
        "unsettled-committed",
        f"{K}/consumer",
        "        if settled:\n",
        "        if settled or True:\n",
        RUNTIME,
    ),
    mutation(
        "key-without-order",
        f"{K}/consumer",
        "        if before is not None:\n            await asyncio.wait([before])\n",
        "",
        RUNTIME,
    ),
    mutation(
        "away-costs-an-attempt",
        f"{K}/consumer",
        "        except (Unavailable, PublishFailed):\n            raise\n",
        "",
        RUNTIME,
    ),
    mutation("retry-at-once", f"{K}/consumer", "        await self._wait_until_due(delivery)\n", "", RUNTIME),
    mutation(
        "limit-not-taken",
        f"{K}/consumer",
        "            self._limit.take()\n",
        "            pass\n",
        "tests/integration/dead_letters/test_dead_letter_flood.py",
    ),
    mutation(
        "no-back-pressure", f"{K}/poller", "self._tracker.in_flight - parked >= limit", "False", RUNTIME
    ),
    # the audit trail
    mutation(
        "chain-not-linked",
        f"{A}/trail",
        "sha256(stream_head.hash || $8::bytea)",
        "sha256($8::bytea)",
        TAMPERING,
    ),
    mutation(
        "reason-not-hashed",
        f"{A}/trail",
        "            action,\n            reason,\n            details_text,\n            None",
        '            action,\n            "",\n            details_text,\n            None',
        TAMPERING,
    ),
    mutation(
        "gap-not-seen",
        f"{A}/chains",
        "if sequence != place.sequence + 1:",
        "if sequence < place.sequence + 1:",
        TAMPERING,
    ),
    mutation(
        "tail-not-missed", f"{A}/chains", 'if row["agrees"] is None:', 'if row["agrees"] is ...:', TAMPERING
    ),
    mutation(
        "anchors-unsigned",
        f"{A}/anchor_check",
        "if not keys.is_signed(content, signature, anchor.key_id):",
        "if False:",
        TAMPERING,
    ),
    mutation(
        "anchors-unlinked", f"{A}/anchor_check", "elif anchor.previous != previous:", "elif False:", TAMPERING
    ),
    mutation(
        "cut-end-not-missed",
        f"{A}/anchor_check",
        "if (logged := scratch.last_logged()) > number:",
        "if (logged := scratch.last_logged()) > number + 10**9:",
        TAMPERING,
    ),
    mutation(
        "marked-too-far",
        f"{A}/unanchored",
        "set anchored_sequence = anchored.sequence",
        "set anchored_sequence = head.sequence",
        ANCHORING,
        TAMPERING,
    ),
    mutation(
        "anchoring-waits-for-writers",
        f"{A}/unanchored",
        "for no key update skip locked",
        "for no key update",
        ANCHORING,
    ),
)
