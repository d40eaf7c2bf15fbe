"""Every table locked under load: all at once for a while, and those that showed trouble as long as maintenance takes.

A table locked for five seconds ended processes; `inbox` locked for forty made 76 dead letters; clients read 409
"request-in-flight" though no first request existed. One by one, for 5 s and for 40 s: `make chaos SCENARIO=locks`.
"""

import pytest

from chaos.locks import every_table, lock_under_load

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

TROUBLED = ("inbox", "outbox", "applications", "idempotency_keys", "disbursements", "notifications")


async def test_all_tables_locked_at_once_for_five_seconds_end_nothing_and_kill_no_message(fleet):
    tables = await every_table(fleet)
    assert set(TROUBLED) < set(tables)
    verdict = await lock_under_load(fleet, tables, 5.0)
    assert verdict.faults == []
    assert verdict.answers.get("503+"), "somebody met the lock"


async def test_the_tables_of_every_message_locked_for_forty_seconds_make_no_dead_letters(fleet):
    verdict = await lock_under_load(fleet, TROUBLED, 40.0)
    assert verdict.faults == []
    assert verdict.answers.get("503+"), "somebody met the lock"
