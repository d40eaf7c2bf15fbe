"""The keeper's SQL beside that of the letters themselves."""

from fundline.platform.database import Database

WAITING_LETTERS = """
select topic, count(*) as waiting from dead_letters where state in ('open', 'replay_requested') group by topic
"""


async def waiting_letters(database: Database) -> dict[str, int]:
    """By topic; topics without any are absent."""
    return {row["topic"]: row["waiting"] for row in await database.fetch(WAITING_LETTERS)}
