-- Owned by fundline_owner. Additive: the previous release keeps running on it.
-- Two people end a payment that no machine can end, with the bank's written word as evidence (ADR 0056).

create table payment_endings (                         -- asked for by one person, written when another agrees
    ending_id          uuid primary key,               -- version 7: sorts by time
    payment_id         uuid not null references disbursements (payment_id),
    outcome            text not null constraint payment_endings_outcome_known check (outcome in
        ('settled', 'failed', 'returned')),
    transaction_id     text,                           -- the bank's, of what it has paid
    code               text,                           -- the bank's reason, of what failed or came back
    evidence           text not null,                  -- what the bank has written, and where
    reason             text not null,
    state              text not null constraint payment_endings_state_known check (state in
        ('proposed', 'agreed', 'withdrawn')),
    requested_by       text not null,
    requested_at       timestamptz not null,
    decided_by         text,
    decided_at         timestamptz,
    constraint payment_endings_say_what_the_bank_says check ((outcome = 'failed') = (transaction_id is null)
        and (outcome = 'settled') = (code is null)),
    constraint payment_endings_decided_by_somebody check ((state = 'proposed') = (decided_by is null)
        and (decided_by is null) = (decided_at is null)),
    constraint payment_endings_agreed_by_two_people check
        (state <> 'agreed' or person_key(requested_by) <> person_key(decided_by))
);
create unique index payment_endings_one_open_per_payment on payment_endings (payment_id) where state = 'proposed';

create trigger payment_endings_never_deleted before delete or truncate on payment_endings
    for each statement execute function append_only();

grant select, insert on payment_endings to fundline_app;
grant update (state, decided_by, decided_at) on payment_endings to fundline_app;
