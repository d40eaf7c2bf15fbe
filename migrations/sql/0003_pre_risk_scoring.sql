-- Owned by fundline_owner. Additive: the previous release keeps running on it.

alter table applications add column revolving boolean not null default false;

alter table reference_sectors add column revenue_volatility numeric(6, 4);
    -- yearly standard deviation of the logarithm of a small business's revenue; null: not known, so referred

create table scoring_lanes (                           -- the event router's rule: which requests go to the express lane
    currency           text primary key,
    express_up_to_minor bigint not null constraint scoring_lanes_limit_positive check (express_up_to_minor > 0)
);
insert into scoring_lanes values ('USD', 50_000_00), ('EUR', 45_000_00), ('GBP', 40_000_00), ('JPY', 7_500_000);

alter table risk_assessments                           -- null in rows older than this migration
    add column model_asked text,                       -- what the experiment chose; differs from model_version on a fallback
    add column fallback_cause text,                    -- why the chosen model did not answer
    add column shadow jsonb;                           -- what the other model would have said; never decides
create index risk_assessments_recent on risk_assessments using brin (assessed_at);

create table model_changes (                           -- append-only: who or what changed which model decides
    change             bigint generated always as identity primary key,
    changed_at         timestamptz not null default now(),
    actor              text not null,
    action             text not null constraint model_changes_action_known check (action in
        ('promoted', 'rolled_back', 'tripped', 'reset')),
    model_version      text not null,
    share_percent      smallint,
    reason             text not null,
    figures            jsonb
);
create trigger model_changes_append_only before update or delete or truncate on model_changes
    for each statement execute function append_only();

grant select, insert on model_changes to fundline_app;
grant select on scoring_lanes to fundline_app;
