"""The router's SQL beside the outbox's own: the rule of the lanes; what has served its time goes in small steps."""

from fundline.platform.database import Database

FORGET_INBOX = """
delete from inbox where ctid = any(array(
    select ctid from inbox where handled_at < now() - make_interval(days => $1) limit $2))
"""
FORGET_IDEMPOTENCY_KEYS = """
delete from idempotency_keys where ctid = any(array(
    select ctid from idempotency_keys where created_at < now() - make_interval(hours => $1) limit $2))
"""
EXPRESS_LIMITS = "select currency, express_up_to_minor from scoring_lanes"
FORGET_QUOTAS = """
delete from submission_quotas where ctid = any(array(
    select ctid from submission_quotas where window_began < now() - make_interval(days => $1) limit $2))
"""
_STEP = 5000


async def forget_inbox(database: Database, kept_days: int) -> int:
    return _count(await database.execute(FORGET_INBOX, kept_days, _STEP))


async def forget_idempotency_keys(database: Database, kept_hours: int) -> int:
    return _count(await database.execute(FORGET_IDEMPOTENCY_KEYS, kept_hours, _STEP))


async def forget_quotas(database: Database, kept_days: int) -> int:
    return _count(await database.execute(FORGET_QUOTAS, kept_days, _STEP))


def _count(tag: str) -> int:
    return int(tag.rsplit(" ", 1)[-1])


async def express_limits(database: Database) -> dict[str, int]:
    rows = await database.fetch(EXPRESS_LIMITS)
    return {row["currency"]: row["express_up_to_minor"] for row in rows}
