-- Owned by fundline_owner. Additive: the previous release keeps running on it.
-- The ledger grows up: a chart of accounts with roles, several funding sources, a fee policy, corrections, rules by schema.

-- 1. The chart of accounts ---------------------------------------------------------------------------------------
alter table ledger_accounts drop constraint ledger_accounts_kind_known;
alter table ledger_accounts add constraint ledger_accounts_kind_known check (kind in ('asset', 'liability', 'income'));
    -- an asset's balance is never negative, that of the others never positive: debit is positive
alter table ledger_accounts add column role text constraint ledger_accounts_role_known check
    (role in ('funding', 'clearing', 'receivable', 'fee_income'));
update ledger_accounts set role = 'funding', kind = 'liability',
    description = 'What we owe the lender: its money that was paid out, or is on its way' where account = 'lender_funding';
update ledger_accounts set role = 'clearing' where account = 'disbursement_clearing';
update ledger_accounts set role = 'receivable' where account = 'borrower_receivable';
insert into ledger_accounts values ('fee_income', 'income', 'Origination fees that borrowers owe', 'fee_income');
alter table ledger_accounts alter column role set not null;
create unique index ledger_accounts_one_per_role on ledger_accounts (role) where role <> 'funding';
    -- any number of lenders, one account of every other role
alter table ledger_accounts add constraint ledger_accounts_with_role unique (account, role);
create trigger ledger_accounts_append_only before update or delete or truncate on ledger_accounts
    for each statement execute function append_only();

create table funding_sources (                         -- whose money is paid out, per currency; a return goes back there
    currency           text primary key,
    account            text not null,
    role               text not null default 'funding' constraint funding_sources_fund check (role = 'funding'),
    constraint funding_sources_account foreign key (account, role) references ledger_accounts (account, role)
);
insert into funding_sources (currency, account) values
    ('USD', 'lender_funding'), ('EUR', 'lender_funding'), ('GBP', 'lender_funding'), ('JPY', 'lender_funding');

create table fee_policies (                            -- a fee is owed on top; what is paid out is never less for it
    currency           text primary key,
    origination_basis_points integer not null default 0 constraint fee_policies_at_most_ten_per_cent check
        (origination_basis_points between 0 and 1000)
);
insert into fee_policies (currency) values ('USD'), ('EUR'), ('GBP'), ('JPY');

-- 2. Corrections are transfers that name the one they correct, with a reason and two people ------------------------
alter table ledger_transfers drop constraint ledger_transfers_purpose_known;
alter table ledger_transfers add constraint ledger_transfers_purpose_known check (purpose in
    ('payment_submitted', 'payment_settled', 'payment_returned', 'fee_charged', 'reversal', 'correction'));
alter table ledger_transfers
    add column corrects uuid constraint ledger_transfers_corrects references ledger_transfers,
    add column reason text,
    add column requested_by text,
    add column approved_by text,
    add column booked_in xid8 not null default pg_current_xact_id(),   -- the transaction: no posting comes later
    add constraint ledger_transfers_corrections_say_why check (case when purpose in ('reversal', 'correction')
        then corrects is not null and length(reason) > 0 and requested_by <> approved_by
             and requested_by is not null and approved_by is not null
        else corrects is null and reason is null and requested_by is null and approved_by is null end);
alter table ledger_transfers drop constraint ledger_transfers_once_per_purpose;
create unique index ledger_transfers_once_per_purpose on ledger_transfers (payment_id, purpose)
    where purpose not in ('reversal', 'correction');
create unique index ledger_transfers_corrected_once on ledger_transfers (corrects, purpose) where corrects is not null;
    -- one reversal of a transfer, and one transfer in its place
create index ledger_transfers_of_payment on ledger_transfers (payment_id);
create index ledger_transfers_by_time on ledger_transfers (booked_at);
create index ledger_postings_of_account on ledger_postings (account);

create table ledger_corrections (                      -- asked for by one person, booked when another agrees
    correction_id      uuid primary key,               -- version 7: sorts by time
    transfer_id        uuid not null references ledger_transfers,
    instead            jsonb,                          -- debit, credit, amount, currency; null: reversed and nothing else
    reason             text not null,
    state              text not null constraint ledger_corrections_state_known check (state in
        ('proposed', 'booked', 'withdrawn')),
    requested_by       text not null,
    requested_at       timestamptz not null,
    decided_by         text,
    decided_at         timestamptz,
    reversal_id        uuid references ledger_transfers,
    constraint ledger_corrections_decided_by_somebody check ((state = 'proposed') = (decided_by is null)
        and (decided_by is null) = (decided_at is null)),
    constraint ledger_corrections_booked_by_two check (case when state = 'booked'
        then decided_by <> requested_by and reversal_id is not null else reversal_id is null end)
);
create unique index ledger_corrections_one_open_per_transfer on ledger_corrections (transfer_id) where state = 'proposed';

-- 3. Rules at commit ---------------------------------------------------------------------------------------------
create or replace function ledger_transfer_balances() returns trigger language plpgsql as $$
begin
    if exists (select 1 from ledger_postings where transfer_id = new.transfer_id
               group by currency having sum(amount_minor) <> 0) then
        raise exception 'transfer % does not sum to zero', new.transfer_id
            using errcode = 'check_violation', constraint = 'ledger_transfer_balances';
    end if;
    if (select booked_in from ledger_transfers where transfer_id = new.transfer_id) <> pg_current_xact_id() then
        raise exception 'transfer % is booked: it gets no further posting', new.transfer_id
            using errcode = 'check_violation', constraint = 'ledger_transfer_closed';
    end if;
    return null;
end $$;

create function ledger_transfer_makes_sense() returns trigger language plpgsql as $$
begin
    if not exists (select 1 from ledger_postings where transfer_id = new.transfer_id) then
        raise exception 'transfer % has no postings', new.transfer_id
            using errcode = 'check_violation', constraint = 'ledger_transfer_has_postings';
    end if;
    if new.purpose in ('payment_settled', 'payment_returned') then  -- resolved: whole, and only what was pending
        if not exists (select 1 from ledger_transfers
                       where payment_id = new.payment_id and purpose = 'payment_submitted') then
            raise exception 'payment % has a result and was never submitted', new.payment_id
                using errcode = 'check_violation', constraint = 'ledger_result_follows_submission';
        end if;
        if exists (select 1 from ledger_transfers join ledger_postings using (transfer_id)
                   join ledger_accounts using (account)
                   where payment_id = new.payment_id and role = 'clearing'
                   group by currency having sum(amount_minor) <> 0) then
            raise exception 'payment % has a result and is still in clearing', new.payment_id
                using errcode = 'check_violation', constraint = 'ledger_result_empties_clearing';
        end if;
    elsif new.purpose = 'reversal' then
        if exists (select account, currency, -amount_minor from ledger_postings where transfer_id = new.corrects
                   except select account, currency, amount_minor from ledger_postings where transfer_id = new.transfer_id)
           or (select count(*) from ledger_postings where transfer_id = new.corrects)
              <> (select count(*) from ledger_postings where transfer_id = new.transfer_id) then
            raise exception 'transfer % is not the reverse of %', new.transfer_id, new.corrects
                using errcode = 'check_violation', constraint = 'ledger_reversal_mirrors';
        end if;
    elsif new.purpose = 'correction' then
        if not exists (select 1 from ledger_transfers where corrects = new.corrects and purpose = 'reversal') then
            raise exception 'transfer % replaces % which was not reversed', new.transfer_id, new.corrects
                using errcode = 'check_violation', constraint = 'ledger_correction_follows_reversal';
        end if;
    end if;
    return null;
end $$;
create constraint trigger ledger_transfer_makes_sense after insert on ledger_transfers
    deferrable initially deferred for each row execute function ledger_transfer_makes_sense();

-- Also for whoever replays rows with session_replication_role = replica. Who owns a table may still disable a
-- trigger or drop the table: `fundline ledger verify` and the audit trail are what finds that.
alter table ledger_accounts enable always trigger ledger_accounts_append_only;
alter table ledger_transfers enable always trigger ledger_transfers_append_only;
alter table ledger_transfers enable always trigger ledger_transfer_makes_sense;
alter table ledger_postings enable always trigger ledger_postings_append_only;
alter table ledger_postings enable always trigger ledger_transfer_balances;

-- 4. Grants: columns, so that nobody claims to have booked in another transaction ----------------------------------
revoke insert on ledger_transfers, ledger_postings from fundline_app;
grant insert (transfer_id, payment_id, purpose, booked_at, corrects, reason, requested_by, approved_by)
    on ledger_transfers to fundline_app;
grant insert (transfer_id, account, currency, amount_minor) on ledger_postings to fundline_app;
grant select on funding_sources, fee_policies to fundline_app;
grant select, insert on ledger_corrections to fundline_app;
grant update (state, decided_by, decided_at, reversal_id) on ledger_corrections to fundline_app;
