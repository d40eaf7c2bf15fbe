-- Owned by fundline_owner. Additive: the previous release keeps running on it.
-- One chain of hashes per stream, such as application:<id>: hash = sha256(hash before || digest of the entry).

create table audit_streams (                           -- the head of each chain; its row lock orders the writers
    stream             text primary key,
    sequence           integer not null,
    hash               bytea not null constraint audit_streams_hash_is_sha256 check (length(hash) = 32),
    anchored_sequence  integer not null default 0,     -- how far a signed anchor outside the database vouches for it
    changed_at         timestamptz not null default clock_timestamp()
) with (fillfactor = 70);
create index audit_streams_unanchored on audit_streams (stream) where anchored_sequence < sequence;

create table audit_entries (                           -- append-only
    stream             text not null,
    sequence           integer not null,               -- from 1, without a gap
    occurred_at        timestamptz not null,
    actor              text not null,                  -- a process, or process:subject of the token
    action             text not null,                  -- noun.what_happened
    reason             text not null,
    details            text not null,                  -- JSON as it was hashed, to the byte
    evidence_hash      bytea,                          -- SHA-256 of what the action rested on; null: nothing kept
    hash               bytea not null constraint audit_entries_hash_is_sha256 check (length(hash) = 32),
    constraint audit_entries_one_per_sequence primary key (stream, sequence)
);
create trigger audit_entries_append_only before update or delete or truncate on audit_entries
    for each statement execute function append_only();

grant select, insert, update on audit_streams to fundline_app;
grant select, insert on audit_entries to fundline_app;
