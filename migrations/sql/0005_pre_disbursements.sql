-- Owned by fundline_owner. Additive: the previous release keeps running on it.

alter table disbursements
    drop constraint disbursements_state_known,
    add constraint disbursements_state_known check (state in
        ('expected', 'requested', 'submitted', 'unknown', 'settled', 'failed')),
    add column requested_at timestamptz,
    add column approved_by text,                       -- subject of the underwriter, or the policy and its model
    add column needs_release boolean not null default false,
    add column released_by text,                       -- subject of the second person
    add column released_at timestamptz,
    add column release_reason text,
    add column order_text text,                        -- what is sent, in one form only; the account as a keyed digest
    add column accepted_at timestamptz,                -- the bank has said that it has the order
    add column unknown_since timestamptz,
    add column next_step_at timestamptz,               -- when a sweep goes on with it; null: nothing to do, or a person's turn
    add column steps integer not null default 0,       -- of the sweep since it was submitted: its pauses grow with them
    add column escalated_at timestamptz,
    add constraint disbursements_release_says_who_and_why check
        ((released_by is null) = (released_at is null) and (released_by is null) = (release_reason is null)),
    add constraint disbursements_released_by_a_second_person check (released_by <> approved_by),
    add constraint disbursements_above_the_limit_wait check
        (not needs_release or released_by is not null or state in ('expected', 'requested'));
create index disbursements_due on disbursements (next_step_at) where next_step_at is not null;
update disbursements set next_step_at = now() where state in ('submitted', 'unknown');

create function disbursement_order_stands() returns trigger language plpgsql as $$
begin
    if (new.payment_id, new.application_id, new.amount_minor, new.currency)
        is distinct from (old.payment_id, old.application_id, old.amount_minor, old.currency)
        or (old.order_text is not null and new.order_text is distinct from old.order_text) then
        raise exception 'the order of payment % stands: a second one would be a second payment', old.payment_id
            using errcode = 'insufficient_privilege';
    end if;
    return new;
end $$;
create trigger disbursement_order_stands before update on disbursements
    for each row execute function disbursement_order_stands();

create table payment_release_limits (                  -- a currency that is not here: every payment needs a second person
    currency           text primary key,
    paid_without_minor bigint not null constraint payment_release_limits_not_negative check (paid_without_minor >= 0)
);
insert into payment_release_limits values
    ('USD', 500_000_00), ('EUR', 450_000_00), ('GBP', 400_000_00), ('JPY', 75_000_000);

grant select on payment_release_limits to fundline_app;
