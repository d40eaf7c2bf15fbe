-- Owned by fundline_owner. Additive: the previous release keeps running on it.

create table cases (                                   -- what only a person may settle
    case_id            uuid primary key,               -- version 7: sorts by time of opening
    kind               text not null,                  -- see docs/runbooks: one page per kind
    subject            text not null,                  -- what it is about: a payment id, a dead letter, a bank booking
    application_id     uuid,
    summary            text not null,                  -- one sentence for the person who takes it
    details            jsonb not null,
    state              text not null constraint cases_state_known check (state in ('open', 'resolved')),
    opened_by          text not null,
    opened_at          timestamptz not null,
    resolved_by        text,
    resolved_at        timestamptz,
    resolution         text,
    proposed_by        text,                           -- a case about money: the first of the two people
    proposed_at        timestamptz,
    proposed_resolution text,
    constraint cases_proposal_is_whole check
        ((proposed_by is null) = (proposed_at is null) and (proposed_by is null) = (proposed_resolution is null)),
    constraint cases_resolved_says_how check
        ((state = 'resolved') = (resolved_by is not null and resolved_at is not null and resolution is not null))
);
create unique index cases_open_once_per_subject on cases (kind, subject) where state = 'open';
create index cases_open on cases (case_id) where state = 'open';
create index cases_of_application on cases (application_id) where application_id is not null;
create index cases_resolved on cases (kind, subject) where state = 'resolved';

grant select, insert on cases to fundline_app;
grant update (state, resolved_by, resolved_at, resolution, proposed_by, proposed_at, proposed_resolution)
    on cases to fundline_app;                          -- never what it is about, nor of which kind: two people or one
