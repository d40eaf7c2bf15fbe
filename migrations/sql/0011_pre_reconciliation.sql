-- Owned by fundline_owner. Additive: the previous release keeps running on it.

create table state_deadlines (                         -- never stuck: every state that is not final has a row
    what               text not null constraint state_deadlines_what_known check (what in ('application', 'disbursement')),
    state              text not null,
    deadline           interval not null constraint state_deadlines_positive check (deadline > interval '0'),
    owner              text not null,                  -- the process that moves it on, or the role of the person
    runbook            text not null,                  -- page of docs/runbooks
    constraint state_deadlines_one_per_state primary key (what, state)
);
insert into state_deadlines values
    ('application',  'processing',     '5 minutes',  'risk-worker',         'application-stuck'),
    ('application',  'risk_scoring',   '5 minutes',  'risk-worker',         'application-stuck'),
    ('application',  'pending_review', '3 days',     'underwriter',         'application-stuck'),
    ('application',  'approved',       '5 minutes',  'application-events',  'application-stuck'),
    ('disbursement', 'expected',       '5 minutes',  'application-events',  'application-stuck'),
    ('disbursement', 'requested',      '4 hours',    'operator',            'payment-release'),
    ('disbursement', 'submitted',      '15 minutes', 'disbursement-worker', 'bank-unreachable'),
    ('disbursement', 'unknown',        '15 minutes', 'disbursement-worker', 'payment-unknown');

create index applications_in_progress on applications (status, updated_at)
    where status in ('processing', 'risk_scoring', 'approved', 'pending_review');
drop index applications_unfinished;

create index application_status_history_age on application_status_history using brin (occurred_at);

create view unfinished_states as                       -- what is not final, and since when; an approval until it is asked to be paid
    select 'application' as what, application_id, application_id as subject, status as state, updated_at as since
    from applications
    where status in ('processing', 'risk_scoring', 'approved', 'pending_review')
        and not (status = 'approved' and exists (select 1 from disbursements d
            where d.application_id = applications.application_id and d.state not in ('settled', 'failed')))
    union all
    select 'disbursement', application_id, payment_id, state,  -- how long the bank has been silent, asked again or not
        case state when 'expected' then created_at when 'requested' then coalesce(requested_at, created_at)
            else coalesce(submitted_at, created_at) end
    from disbursements where state not in ('settled', 'failed');

create table reconciliation_attempts (                 -- how often one state was helped on; bounded, then a person has it
    what               text not null,
    subject            uuid not null,                  -- application id or payment id
    since              timestamptz not null,           -- when the state began: a new state is a new row
    attempts           integer not null,
    last_at            timestamptz not null,
    given_up_at        timestamptz,                    -- a case was opened
    constraint reconciliation_attempts_one_per_state primary key (what, subject, since)
);
create index reconciliation_attempts_age on reconciliation_attempts (last_at);

create table bank_statement_cursors (                  -- how far a bank's statement has been read
    bank               text primary key,
    cursor             text not null,
    read_at            timestamptz not null
);
create table bank_statement_lines (                    -- the bank's statement as it was read; each line is matched once
    line               bigint generated always as identity primary key,
    bank               text not null,
    line_hash          bytea not null,                 -- SHA-256 of the line as the bank wrote it
    payment_id         uuid not null,
    is_paid            boolean not null,
    amount_minor       bigint not null,
    currency           text not null,
    transaction_id     text,
    reference          text not null,
    read_at            timestamptz not null,           -- first
    seen_at            timestamptz not null,           -- last; a full comparison sees every line again
    matched_at         timestamptz,                    -- with our payment; null: differs, or that is on its way
    constraint bank_statement_lines_once unique (bank, line_hash)
);
create unique index bank_statement_lines_matched_once on bank_statement_lines (payment_id) where matched_at is not null;
create index bank_statement_lines_open on bank_statement_lines (line) where matched_at is null;
create index bank_statement_lines_of_payment on bank_statement_lines (payment_id);
create index disbursements_settled on disbursements (finished_at, payment_id) where state = 'settled';

create table reconciliation_runs (
    run_id             uuid primary key,               -- version 7: sorts by time
    started_at         timestamptz not null,
    finished_at        timestamptz not null,
    is_full            boolean not null,
    found              jsonb not null,                 -- by kind, how many
    repaired           jsonb not null,                 -- by kind, how many of them
    cases_opened       integer not null,
    unchecked          jsonb not null                  -- by check, why it could not look
);

grant select on state_deadlines, unfinished_states to fundline_app;
grant select, insert, update, delete on reconciliation_attempts to fundline_app;
grant select, insert, update on bank_statement_cursors to fundline_app;
grant select, insert on bank_statement_lines to fundline_app;
grant update (seen_at, matched_at) on bank_statement_lines to fundline_app;
grant select, insert, delete on reconciliation_runs to fundline_app;
