-- Owned by fundline_owner. Additive: the previous release keeps running on it.
-- Exposure (ADR 0045): what counts together is found by index, and submissions of one subject are counted.

alter table applications add column submitted_as text not null default 'applicant'
    constraint applications_submitted_as_known check (submitted_as in ('applicant', 'partner'));
    -- a partner submits for many businesses: what they have in common is the partner, not a borrower

-- The same business however its name is written: capitals, points, spaces and the legal form at its end do not count.
create function business_key(business jsonb) returns text language sql immutable parallel safe
    return coalesce(business ->> 'country', 'US') || ':' || coalesce(business ->> 'state', '') || ':' || replace(
        regexp_replace(
            regexp_replace(
                regexp_replace(
                    casefold(normalize(business ->> 'legalName', nfkc) collate "pg_unicode_fast"),
                    '[.''’]', '', 'g'),
                '[^[:alnum:]]+', ' ', 'g'),
            '( (llc|inc|incorporated|corp|corporation|co|company|ltd|limited|lp|llp|pllc|plc|gmbh|ug|ag|kg|sa|sarl|bv|nv|spa|srl|oy|ab|aps|kk))+ ?$',
            ''),
        ' ', '');
create index applications_of_business on applications (business_key(business));

create table submission_quotas (                       -- how many applications a subject has submitted in the running window
    subject            text primary key,
    window_began       timestamptz not null,
    used               integer not null,
    allowed            integer not null,               -- by the settings of whoever counted last
    constraint submission_quotas_not_exceeded check (used <= allowed)
) with (fillfactor = 50);                              -- one row is counted up again and again: on its own page
create index submission_quotas_age on submission_quotas (window_began);

grant select, insert, update, delete on submission_quotas to fundline_app;
