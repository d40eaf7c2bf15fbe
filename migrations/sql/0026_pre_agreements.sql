-- What one person has asked for and another one agrees to, where no row of its own says so: the flags.
create table agreements (
    agreement_id uuid primary key,
    deed         text not null constraint agreements_known_deed
        check (deed in ('payments_resume', 'model_promotion', 'model_reset')),
    wanted       jsonb not null,                       -- exactly this is agreed to
    reason       text not null constraint agreements_reason_length check (length(reason) between 3 and 500),
    asked_by     text not null,
    asked_at     timestamptz not null,
    state        text not null default 'asked' constraint agreements_known_state
        check (state in ('asked', 'agreed', 'withdrawn')),
    decided_by   text,
    decided_at   timestamptz,
    constraint agreements_decided_by_somebody
        check ((state = 'asked') = (decided_by is null) and (state = 'asked') = (decided_at is null)),
    constraint agreements_by_two_people check (state <> 'agreed' or person_key(asked_by) <> person_key(decided_by))
);
create unique index agreements_one_open_per_deed on agreements (deed) where state = 'asked';
grant select, insert on agreements to fundline_app;
grant update (state, decided_by, decided_at) on agreements to fundline_app;
