"""Alembic environment: plain SQL through asyncpg, as the owner of the schema."""

import asyncio
import os

from alembic import context
from sqlalchemy import Connection, pool
from sqlalchemy.ext.asyncio import create_async_engine

_LOCK = 7_204_118  # one migration at a time, whoever starts it


def _run(connection: Connection) -> None:
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        connection.exec_driver_sql(f"select pg_advisory_xact_lock({_LOCK})")
        context.run_migrations()


async def _migrate() -> None:
    url = os.environ["FUNDLINE_MIGRATION_DATABASE_URL"].replace("postgresql://", "postgresql+asyncpg://", 1)
    engine = create_async_engine(url, poolclass=pool.NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(_run)
        await connection.commit()
    await engine.dispose()


asyncio.run(_migrate())
