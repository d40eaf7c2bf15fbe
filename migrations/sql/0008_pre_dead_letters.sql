-- Owned by fundline_owner. Additive: the previous release keeps running on it.
-- What a consumer group has given up on, kept for a person: one letter per event and group, however often it dies.

create table dead_letters (
    dead_letter_id     uuid primary key,               -- version 7: sorts by time of arrival
    topic              text not null,                  -- where the event belongs, without .dlq
    consumer_group     text not null,                  -- who gave up; empty: the message does not say
    event_id           uuid,                           -- null: no envelope that we can read
    key                text not null,                  -- as text; bytes that are none are replaced
    application_id     uuid,                           -- the key, when an application has that id
    payload            bytea not null,                 -- as it arrived first; may be anything, and never changes
    headers            text not null,                  -- JSON: names and texts
    cause              text not null,
    attempts           integer not null constraint dead_letters_attempts_count check (attempts >= 1), -- of all lives
    first_failed_at    timestamptz not null,
    last_failed_at     timestamptz not null,
    moves_money        boolean not null,               -- two people must agree to a replay
    state              text not null constraint dead_letters_state_known
                       check (state in ('open', 'replay_requested', 'replayed', 'discarded')),
    replays            integer not null default 0,     -- how often it was sent back
    edited_payload     text,                           -- what a replay sends instead: a person's correction
    requested_by       text,                           -- the token's subject of the first of the two people
    settled_by         text,                           -- who replayed, released or discarded it last
    settled_at         timestamptz,
    reason             text not null default '',       -- of the last person who acted
    constraint dead_letters_once_per_event_and_group unique (topic, consumer_group, event_id),
    constraint dead_letters_request_has_a_requester check (state <> 'replay_requested' or requested_by is not null),
    constraint dead_letters_settled_says_who check
        (state not in ('replayed', 'discarded') or (settled_by is not null and settled_at is not null)),
    constraint dead_letters_money_needs_two check
        (state <> 'replayed' or not moves_money or (requested_by is not null and requested_by <> settled_by))
);
create index dead_letters_waiting on dead_letters (topic) where state in ('open', 'replay_requested');
create index dead_letters_of_application on dead_letters (application_id) where application_id is not null;

create table dead_letter_arrivals (                    -- each message of a dead-letter topic, once; append-only
    topic              text not null,                  -- with its prefix and .dlq
    partition          integer not null,
    "offset"           bigint not null,
    digest             bytea not null,                 -- of the message: offsets begin anew when Kafka is set up anew
    dead_letter_id     uuid not null constraint dead_letter_arrivals_belong_to_a_letter references dead_letters,
    cause              text not null,
    attempts           integer not null,
    replay             integer not null,               -- which replay had failed; 0: none
    failed_at          timestamptz not null,
    constraint dead_letter_arrivals_once_per_message primary key (topic, partition, "offset", digest)
);
create index dead_letter_arrivals_of_letter on dead_letter_arrivals (dead_letter_id);
create trigger dead_letter_arrivals_append_only before update or delete or truncate on dead_letter_arrivals
    for each statement execute function append_only();

grant select, insert on dead_letters to fundline_app;
grant update (headers, cause, attempts, first_failed_at, last_failed_at, state, replays, edited_payload, requested_by,
    settled_by, settled_at, reason) on dead_letters to fundline_app;   -- never the original, nor whether it moves money
grant select, insert on dead_letter_arrivals to fundline_app;
