"""Alembic environment: plain SQL through asyncpg, as the owner of the schema."""

import asyncio
import os
from typing import Any

from alembic import context
from sqlalchemy import Connection, pool
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.util import await_only

from fundline.platform.clock import utc_now
from fundline.records.configuration import is_configuration_recorded, record_configuration

_LOCK = 7_204_118  # one migration at a time, whoever starts it


def _run(connection: Connection) -> None:
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        connection.exec_driver_sql(f"select pg_advisory_xact_lock({_LOCK})")
        before = context.get_context().get_current_revision()
        context.run_migrations()
        after = context.get_context().get_current_revision()
        if after == context.script.get_current_head():
            await_only(_record_configuration(connection.connection.driver_connection, before, after))


async def _record_configuration(driver: Any, before: str | None, after: str) -> None:
    """What only migrations write stands in the audit trail, so that any other edit of it is found."""
    if before != after or not await is_configuration_recorded(driver):
        await record_configuration(driver, revision=after, at=utc_now())


async def _migrate() -> None:
    url = os.environ["FUNDLINE_MIGRATION_DATABASE_URL"].replace("postgresql://", "postgresql+asyncpg://", 1)
    engine = create_async_engine(url, poolclass=pool.NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(_run)
        await connection.commit()
    await engine.dispose()


asyncio.run(_migrate())
