-- Owned by fundline_owner. Additive: the previous release keeps running on it.
-- What a lender has committed, and how much of it is drawn: a payment beyond it waits (ADR 0046).

create table funding_balances (                        -- a running sum per source: one look-up for each payment
    account            text not null references ledger_accounts,
    currency           text not null,
    committed_minor    bigint not null default 0,
    drawn_minor        bigint not null default 0,      -- less what has come back
    constraint funding_balances_one_per_source primary key (account, currency),
    constraint funding_balances_within_commitment check (drawn_minor <= committed_minor)
) with (fillfactor = 50);                              -- one row is counted up by every payment

create table funding_commitments (                     -- asked for by one person, counted when another agrees
    commitment_id      uuid primary key,               -- version 7: sorts by time
    account            text not null,
    currency           text not null,
    amount_minor       bigint not null constraint funding_commitments_not_zero check (amount_minor <> 0),
                                                       -- above zero: more is committed; below: less
    reason             text not null,
    state              text not null constraint funding_commitments_state_known check (state in
        ('proposed', 'agreed', 'withdrawn')),
    requested_by       text not null,
    requested_at       timestamptz not null,
    decided_by         text,
    decided_at         timestamptz,
    constraint funding_commitments_source foreign key (account, currency) references funding_balances,
    constraint funding_commitments_decided_by_somebody check ((state = 'proposed') = (decided_by is null)
        and (decided_by is null) = (decided_at is null)),
    constraint funding_commitments_agreed_by_two check (state <> 'agreed' or decided_by <> requested_by)
);

-- As their owner: whoever books cannot write the sums otherwise.
create function funding_is_drawn() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
    update funding_balances set drawn_minor = drawn_minor - new.amount_minor
        where account = new.account and currency = new.currency;
    return null;
end $$;
create trigger funding_is_drawn after insert on ledger_postings
    for each row execute function funding_is_drawn();
alter table ledger_postings enable always trigger funding_is_drawn;

create function funding_is_committed() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
    update funding_balances set committed_minor = committed_minor + new.amount_minor
        where account = new.account and currency = new.currency;
    return null;
end $$;
create trigger funding_is_committed after insert on funding_commitments
    for each row when (new.state = 'agreed') execute function funding_is_committed();
create trigger funding_is_committed_now after update on funding_commitments
    for each row when (new.state = 'agreed' and old.state = 'proposed') execute function funding_is_committed();

create function funding_commitment_stands() returns trigger language plpgsql as $$
begin
    if old.state <> 'proposed' or (new.commitment_id, new.account, new.currency, new.amount_minor, new.reason,
        new.requested_by, new.requested_at) is distinct from (old.commitment_id, old.account, old.currency,
        old.amount_minor, old.reason, old.requested_by, old.requested_at) then
        raise exception 'commitment % stands: a change is another commitment', old.commitment_id
            using errcode = 'insufficient_privilege';
    end if;
    return new;
end $$;
create trigger funding_commitment_stands before update on funding_commitments
    for each row execute function funding_commitment_stands();
create trigger funding_commitments_never_deleted before delete or truncate on funding_commitments
    for each statement execute function append_only();

-- The facility that lending begins with; where more is drawn already, as much as that.
insert into funding_balances (account, currency) select account, currency from funding_sources;
create temporary table drawn on commit drop as
    select b.account, b.currency, coalesce(-sum(p.amount_minor), 0)::bigint as minor
    from funding_balances b left join ledger_postings p using (account, currency) group by 1, 2;
insert into funding_commitments
    select uuidv7(), d.account, d.currency, greatest(facility.minor, d.minor), 'The facility that lending begins with',
           'agreed', 'migration', now(), 'migration review', now()
    from drawn d join (values ('USD', 1_000_000_000_00), ('EUR', 900_000_000_00), ('GBP', 800_000_000_00),
        ('JPY', 150_000_000_000)) facility (currency, minor) using (currency);
update funding_balances b set drawn_minor = d.minor from drawn d
    where (d.account, d.currency) = (b.account, b.currency);

grant select on funding_balances to fundline_app;
grant select, insert on funding_commitments to fundline_app;
grant update (state, decided_by, decided_at) on funding_commitments to fundline_app;
