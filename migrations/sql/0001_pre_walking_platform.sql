-- Owned by fundline_owner; the processes log in as fundline_app and get only the grants at the end.

create table applications (
    application_id     uuid primary key,               -- version 7: sorts by time of submission
    tracking_id        text not null constraint applications_tracking_id_unique unique,
    user_id            text not null,                  -- subject of the applicant's token
    amount_minor       bigint not null constraint applications_amount_positive check (amount_minor > 0),
    currency           text not null,
    term_months        smallint not null,
    purpose            text not null,
    business           jsonb not null,
    figures            jsonb not null,
    jobs               jsonb,
    metadata           jsonb not null,
    payout_account     bytea not null,                 -- AES-GCM, bound to application_id
    payout_kind        text not null,
    payout_last4       text not null,
    status             text not null constraint applications_status_known check (status in
        ('processing', 'risk_scoring', 'approved', 'rejected', 'pending_review', 'disbursed', 'failed')),
    status_sequence    integer not null,
    created_at         timestamptz not null,
    updated_at         timestamptz not null
) with (fillfactor = 80);                              -- room for the status changes of a row on its own page
create index applications_of_user on applications (user_id, application_id desc);
create index applications_unfinished on applications (status, updated_at)
    where status in ('processing', 'risk_scoring', 'approved');

create table application_status_history (              -- append-only: the snapshot plus this is the live view
    application_id     uuid not null,
    sequence           integer not null,
    status             text not null,
    occurred_at        timestamptz not null,
    actor              text not null,
    metadata           jsonb not null,
    constraint application_status_history_one_per_sequence primary key (application_id, sequence)
);

create table outbox (
    position           bigint generated always as identity primary key,
    event_id           uuid not null,
    topic              text not null,
    key                uuid not null,
    payload            text not null,
    headers            text not null,
    created_at         timestamptz not null default clock_timestamp()
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000, autovacuum_vacuum_cost_delay = 0);

create table inbox (
    consumer           text not null,
    event_id           uuid not null,
    handled_at         timestamptz not null default now(),
    constraint inbox_once_per_consumer primary key (consumer, event_id)
);
create index inbox_age on inbox using brin (handled_at);

create table idempotency_keys (                        -- life: 48 hours; scope: one caller
    caller             text not null,
    key                text not null,
    request_hash       bytea not null,
    response_status    smallint not null,
    response_body      text not null,
    created_at         timestamptz not null default now(),
    constraint idempotency_keys_once_per_caller primary key (caller, key)
);
create index idempotency_keys_age on idempotency_keys using brin (created_at);

create table risk_assessments (                        -- a re-score is a new row, the old one stays
    application_id     uuid not null,
    assessment         integer not null,
    risk_score         numeric(5, 4) not null constraint risk_assessments_score_is_probability check
        (risk_score between 0 and 1),
    verdict            text not null,
    principal_reasons  jsonb not null,
    evidence           jsonb not null,                 -- inputs, contributions, rule outcomes
    model_version      text not null,
    policy_version     text not null,
    assessed_at        timestamptz not null,
    constraint risk_assessments_one_per_number primary key (application_id, assessment)
);

create table underwriter_decisions (
    application_id     uuid primary key,               -- a referral is decided once
    decision           text not null constraint underwriter_decisions_known check (decision in ('approve', 'reject')),
    reason             text not null,
    decided_by         text not null,
    decided_at         timestamptz not null
);

create table disbursements (
    payment_id         uuid primary key,               -- stored before it is sent: the bank's idempotency key
    application_id     uuid not null constraint disbursements_one_per_application unique,
    amount_minor       bigint not null constraint disbursements_amount_positive check (amount_minor > 0),
    currency           text not null,
    state              text not null constraint disbursements_state_known check (state in
        ('expected', 'submitted', 'unknown', 'settled', 'failed')),
    transaction_id     text,                           -- the bank's
    failure_code       text,
    created_at         timestamptz not null,
    submitted_at       timestamptz,
    finished_at        timestamptz,
    constraint disbursements_settled_has_transaction check (state <> 'settled' or transaction_id is not null),
    constraint disbursements_failed_has_code check (state <> 'failed' or failure_code is not null)
);
create index disbursements_unfinished on disbursements (state, created_at) where state not in ('settled', 'failed');

create table ledger_accounts (
    account            text primary key,
    kind               text not null constraint ledger_accounts_kind_known check (kind in ('asset', 'liability')),
    description        text not null
);
insert into ledger_accounts values
    ('lender_funding', 'asset', 'Cash of the lender at the bank, paid out from here'),
    ('disbursement_clearing', 'asset', 'Payments sent to the bank that have no result yet'),
    ('borrower_receivable', 'asset', 'What borrowers owe');

create table ledger_transfers (
    transfer_id        uuid primary key,
    payment_id         uuid not null,
    purpose            text not null constraint ledger_transfers_purpose_known check (purpose in
        ('payment_submitted', 'payment_settled', 'payment_returned')),
    booked_at          timestamptz not null,
    constraint ledger_transfers_once_per_purpose unique (payment_id, purpose)
);
create unique index ledger_transfers_resolved_once     -- a payment settles or returns, never both
    on ledger_transfers (payment_id) where purpose in ('payment_settled', 'payment_returned');

create table ledger_postings (                         -- debit positive, credit negative
    transfer_id        uuid not null references ledger_transfers,
    account            text not null references ledger_accounts,
    currency           text not null,
    amount_minor       bigint not null constraint ledger_postings_not_zero check (amount_minor <> 0),
    constraint ledger_postings_once_per_account primary key (transfer_id, account, currency)
);

create function ledger_transfer_balances() returns trigger language plpgsql as $$
begin
    if exists (select 1 from ledger_postings where transfer_id = new.transfer_id
               group by currency having sum(amount_minor) <> 0) then
        raise exception 'transfer % does not sum to zero', new.transfer_id
            using errcode = 'check_violation', constraint = 'ledger_transfer_balances';
    end if;
    return null;
end $$;
create constraint trigger ledger_transfer_balances after insert on ledger_postings
    deferrable initially deferred for each row execute function ledger_transfer_balances();

create function append_only() returns trigger language plpgsql as $$
begin
    raise exception '% is append-only: corrections are new rows', tg_table_name using errcode = 'insufficient_privilege';
end $$;
create trigger ledger_postings_append_only before update or delete or truncate on ledger_postings
    for each statement execute function append_only();
create trigger ledger_transfers_append_only before update or delete or truncate on ledger_transfers
    for each statement execute function append_only();
create trigger application_status_history_append_only before update or delete or truncate on application_status_history
    for each statement execute function append_only();

create table reference_sectors (
    sector_code        text primary key,               -- first two digits of NAICS
    name               text not null,
    default_rate       numeric(6, 4) not null
);
create table reference_states (
    state_code         text primary key,
    name               text not null,
    default_rate       numeric(6, 4) not null
);

grant usage on schema public to fundline_app;
grant select, insert, update on applications, disbursements to fundline_app;
grant select, insert on application_status_history, risk_assessments, underwriter_decisions,
    ledger_transfers, ledger_postings to fundline_app;
grant select, insert, update, delete on outbox, inbox, idempotency_keys to fundline_app;
grant select on ledger_accounts, reference_sectors, reference_states to fundline_app;
