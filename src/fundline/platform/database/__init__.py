"""PostgreSQL: the pool, the outbox, the inbox, leadership. The one home of asyncpg."""

from fundline.platform.database.leader import Candidate, LeaderConnection
from fundline.platform.database.pool import (
    Connection,
    Database,
    RowBusy,
    UniqueRule,
    open_database,
    translated,
)

__all__ = [
    "Candidate",
    "Connection",
    "Database",
    "LeaderConnection",
    "RowBusy",
    "UniqueRule",
    "open_database",
    "translated",
]
