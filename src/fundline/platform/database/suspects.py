"""Which message a process had in hand when it died: rows that outlive it. See platform/kafka/crash_watch.py."""

from uuid import UUID

from fundline.platform.database.pool import Database

BEGIN = """
insert into consumer_suspects as known (consumer, topic, partition, first_offset, starts) values ($1, $2, $3, $4, 1)
on conflict on constraint consumer_suspects_once_per_partition do update set
    starts = case when known.first_offset = excluded.first_offset then known.starts + 1 else 1 end,
    first_offset = excluded.first_offset,
    deaths = case when known.in_hand is null or known.holder = $5 then known.deaths
                  when known.in_hand = known.suspect then known.deaths + 1 else 1 end,
    suspect = case when known.in_hand is null or known.holder = $5 then known.suspect else known.in_hand end,
    suspect_holder = case when known.in_hand is null or known.holder = $5 then known.suspect_holder
                          else known.holder end,
    in_hand = case when known.holder = $5 then known.in_hand end,
    holder = case when known.holder = $5 then known.holder end
returning starts > 1 or coalesce(suspect >= first_offset, false) as is_suspicious
"""
TAKE = """
update consumer_suspects set in_hand = $4, holder = $5 where consumer = $1 and topic = $2 and partition = $3
returning case when suspect = $4 then deaths else 0 end as deaths
"""
PUT_DOWN = """
update consumer_suspects set
    in_hand = case when holder = $5 then null else in_hand end,
    holder = case when holder = $5 then null else holder end,
    deaths = case when suspect = $4 and suspect_holder = $5 then deaths - 1 else deaths end,
    suspect_holder = case when suspect = $4 and suspect_holder = $5 then null else suspect_holder end
where consumer = $1 and topic = $2 and partition = $3
"""


class SuspectRows:
    """Of one group. `life` is one life of one process. All methods raise Unavailable: the database is away or busy."""

    def __init__(self, database: Database, consumer: str) -> None:
        self._database, self._consumer = database, consumer

    async def begin(self, topic: str, partition: int, offset: int, life: UUID) -> bool:
        """An owner of the partition begins here. True: one before it has as well, or has died on what comes.

        What another life still has in hand is what it died on, unless it puts it down after all.
        """
        row = await self._database.fetchrow(BEGIN, self._consumer, topic, partition, offset, life)
        return row is not None and bool(row["is_suspicious"])

    async def take(self, topic: str, partition: int, offset: int, life: UUID) -> int:
        """It is in hand now; returns how many lives have ended with it in hand before."""
        row = await self._database.fetchrow(TAKE, self._consumer, topic, partition, offset, life)
        return int(row["deaths"]) if row else 0

    async def put_down(self, topic: str, partition: int, offset: int, life: UUID) -> None:
        """This life has outlived it."""
        await self._database.execute(PUT_DOWN, self._consumer, topic, partition, offset, life)
