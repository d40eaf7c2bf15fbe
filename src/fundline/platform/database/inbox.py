"""The inbox: an event that a group has handled leaves its id, in the same transaction as its effect."""

from uuid import UUID

from fundline.platform.database.pool import Connection

_REMEMBER = """
insert into inbox (consumer, event_id) values ($1, $2)
on conflict on constraint inbox_once_per_consumer do nothing
returning event_id
"""


async def first_time(connection: Connection, *, consumer: str, event_id: UUID) -> bool:
    """True when this consumer has not handled the event before; then the transaction goes on to handle it.

    A concurrent delivery of the same event waits here for the first one to commit or roll back.
    """
    return await connection.fetchval(_REMEMBER, consumer, event_id) is not None
