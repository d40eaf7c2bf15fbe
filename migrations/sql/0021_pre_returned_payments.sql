-- A payment that comes back after it was settled: state, postings, status, and its line in the bank's statement.
-- Additive: the previous release keeps running on it.

alter table disbursements
    drop constraint disbursements_state_known,
    add constraint disbursements_state_known check (state in
        ('expected', 'requested', 'submitted', 'unknown', 'settled', 'failed', 'returned')),
    add column returned_at timestamptz,
    add column return_code text,                       -- the bank's reason
    add constraint disbursements_returned_says_when_and_why check ((state = 'returned') = (returned_at is not null)
        and (returned_at is null) = (return_code is null)),
    add constraint disbursements_returned_was_settled check (state <> 'returned' or transaction_id is not null);
drop index disbursements_unfinished;
create index disbursements_unfinished on disbursements (state, created_at)
    where state not in ('settled', 'failed', 'returned');

alter table applications
    drop constraint applications_status_known,
    add constraint applications_status_known check (status in ('processing', 'risk_scoring', 'approved', 'rejected',
        'pending_review', 'disbursed', 'failed', 'returned'));

create or replace view unfinished_states as                       -- what is not final, and since when; an approval until it is asked to be paid
    select 'application' as what, application_id, application_id as subject, status as state, updated_at as since
    from applications
    where status in ('processing', 'risk_scoring', 'approved', 'pending_review')
        and not (status = 'approved' and exists (select 1 from disbursements d
            where d.application_id = applications.application_id and d.state not in ('settled', 'failed', 'returned')))
    union all
    select 'disbursement', application_id, payment_id, state,  -- how long the bank has been silent, asked again or not
        case state when 'expected' then created_at when 'requested' then coalesce(requested_at, created_at)
            else coalesce(submitted_at, created_at) end
    from disbursements where state not in ('settled', 'failed', 'returned');

alter table ledger_transfers
    drop constraint ledger_transfers_purpose_known,
    add constraint ledger_transfers_purpose_known check (purpose in ('payment_submitted', 'payment_settled',
        'payment_returned', 'fee_charged', 'settlement_returned', 'fee_returned', 'reversal', 'correction'));
create or replace function ledger_transfer_makes_sense() returns trigger language plpgsql as $$
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
    elsif new.purpose in ('settlement_returned', 'fee_returned') then  -- back comes only what had gone
        if not exists (select 1 from ledger_transfers where payment_id = new.payment_id
                       and purpose = case new.purpose when 'fee_returned' then 'fee_charged' else 'payment_settled' end) then
            raise exception 'payment % comes back and was never settled', new.payment_id
                using errcode = 'check_violation', constraint = 'ledger_return_follows_settlement';
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

alter table bank_statement_lines add column is_returned boolean not null default false;  -- it books a payment back
drop index bank_statement_lines_matched_once;
create unique index bank_statement_lines_matched_once on bank_statement_lines (payment_id, is_returned)
    where matched_at is not null;
