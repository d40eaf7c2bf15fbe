-- Owned by fundline_owner. Additive: the previous release keeps running on it.
-- A payout that failed for the account's sake: the applicant names another one, and is paid by another payment (ADR 0068).

alter table applications
    drop constraint applications_status_known,
    add constraint applications_status_known check (status in ('processing', 'risk_scoring', 'approved', 'rejected',
        'pending_review', 'disbursed', 'failed', 'returned', 'account_needed'));
grant update (payout_kind, payout_last4) on applications to fundline_app;

alter table disbursements
    add column replaced_at timestamptz,                -- another account was named: another payment takes its place
    add constraint disbursements_replaced_has_failed check (replaced_at is null or state = 'failed');
create unique index disbursements_one_current_per_application on disbursements (application_id)
    where replaced_at is null;                         -- with the check: at most one payment of an application succeeds

create function disbursement_stays_replaced() returns trigger language plpgsql as $$
begin
    raise exception 'payment % was replaced: it stays failed', old.payment_id
        using errcode = 'insufficient_privilege';
end $$;
create trigger disbursement_stays_replaced before update on disbursements
    for each row when (old.replaced_at is not null) execute function disbursement_stays_replaced();

-- A mail for each status: who wants one about a failure wants to know how it goes on, and that money came back.
update notification_preferences set email_statuses = email_statuses || array['account_needed']
    where 'failed' = any(email_statuses);
