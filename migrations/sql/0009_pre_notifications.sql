-- Owned by fundline_owner. Additive: the previous release keeps running on it.

create table notification_preferences (                -- no row: no mail, webhooks on
    subscriber         text primary key,               -- subject of the token
    email_address      text,
    email_enabled      boolean not null,
    email_statuses     text[] not null,                -- a mail for each of these
    webhooks_enabled   boolean not null,
    updated_at         timestamptz not null
);

create table webhook_endpoints (
    endpoint_id        uuid primary key,               -- version 7: sorts by time of creation
    owner              text not null,                  -- subject of the token; gets the events of its own applications
    url                text not null,
    lane               text not null,                  -- the URL's host: calls to one host share a limit
    description        text not null,
    event_types        text[] not null constraint webhook_endpoints_want_something check (cardinality(event_types) > 0),
    state              text not null constraint webhook_endpoints_state_known check (state in ('active', 'disabled')),
    disabled_because   text constraint webhook_endpoints_disabled_because_known check
        (disabled_because in ('owner', 'gone', 'failing')),
    secret             bytea not null,                 -- AES-GCM, bound to endpoint_id
    retired_secret     bytea,                          -- signs too until retired_until
    retired_until      timestamptz,
    failing_since      timestamptz,                    -- first failure since the last success
    created_at         timestamptz not null,
    updated_at         timestamptz not null,
    constraint webhook_endpoints_disabled_says_why check ((state = 'disabled') = (disabled_because is not null))
);
create index webhook_endpoints_of_owner on webhook_endpoints (owner, endpoint_id);

create table notifications (                           -- one event, one channel, one recipient: once
    notification_id    uuid primary key,               -- version 7; the webhook's id and the mail's Message-ID come from it
    event_id           uuid not null,
    channel            text not null constraint notifications_channel_known check (channel in ('email', 'webhook')),
    recipient          text not null,                  -- the endpoint's id, or the subscriber
    endpoint_id        uuid references webhook_endpoints on delete cascade,
    application_id     uuid,
    place              integer not null,               -- order among those of one application and recipient
    kind               text not null,                  -- event type, or which mail
    body               text not null,                  -- webhook: as it is signed; mail: what the template is filled with
    lane               text not null,                  -- a host, or the mail server: each has a limit of its own
    state              text not null constraint notifications_state_known check
        (state in ('waiting', 'delivered', 'failed', 'cancelled')),
    attempts           integer not null default 0,     -- all of them, also before a redelivery
    failures           integer not null default 0,     -- place in the retry schedule
    due_at             timestamptz not null,           -- while one is being delivered: when somebody else may take it
    created_at         timestamptz not null,
    finished_at        timestamptz,
    constraint notifications_once_per_event unique (event_id, channel, recipient),
    constraint notifications_webhook_has_endpoint check ((channel = 'webhook') = (endpoint_id is not null)),
    constraint notifications_finished check ((state = 'waiting') = (finished_at is null))
) with (fillfactor = 80);
create index notifications_due on notifications (lane, due_at) where state = 'waiting';
create index notifications_in_order on notifications (recipient, application_id, place) where state = 'waiting';
create index notifications_of_endpoint on notifications (endpoint_id, notification_id) where endpoint_id is not null;
create index notifications_finished_at on notifications (finished_at) where state <> 'waiting';

create table notification_attempts (                   -- the delivery log
    notification_id    uuid not null references notifications on delete cascade,
    attempt            integer not null,               -- from 1
    started_at         timestamptz not null,
    duration_ms        integer not null,
    result             text not null,                  -- see DeliveryResult
    response_status    integer,
    response_excerpt   text,                           -- the beginning of the answer, as text
    detail             text not null,                  -- what went wrong, in a sentence; empty when delivered
    constraint notification_attempts_one_per_number primary key (notification_id, attempt)
);

grant select, insert, update on notification_preferences to fundline_app;
grant select, insert, update, delete on webhook_endpoints, notifications to fundline_app;
grant select, insert, delete on notification_attempts to fundline_app;
