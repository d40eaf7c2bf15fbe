-- What a consumer had in hand when its process died: a message on which processes die is found, and set aside.
-- A row per group and partition; written when partitions are given out, and while messages are handled one at a time.

create table consumer_suspects (
    consumer           text not null,                  -- the group
    topic              text not null,                  -- with its prefix
    partition          integer not null,
    first_offset       bigint not null,                -- where the last owner of the partition began
    starts             integer not null,               -- owners in a row that began there
    in_hand            bigint,                         -- the message that `holder` handles now; null: none
    holder             uuid,                           -- one life of one process
    suspect            bigint,                         -- what an owner before left in hand
    suspect_holder     uuid,                           -- whose it was; should that life go on after all, it counts no death
    deaths             integer not null default 0,     -- lives that ended with the suspect in hand
    constraint consumer_suspects_once_per_partition primary key (consumer, topic, partition),
    constraint consumer_suspects_who_holds check (in_hand is null or holder is not null)
);
grant select, insert, update on consumer_suspects to fundline_app;
