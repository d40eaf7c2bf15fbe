"""Applications that wait for an underwriter, without anybody having scored them."""

import uuid

from fundline.platform.database import Database


async def refer(database: Database, application_id: str) -> None:
    await database.execute(
        "update applications set status = 'pending_review', status_sequence = 3 where application_id = $1",
        uuid.UUID(application_id),
    )
