-- What the applicant reads of an underwriter's decision; `reason` is for the file. Additive: the previous release
-- keeps running on it.
alter table underwriter_decisions
    add column principal_reasons jsonb not null default '[]'; -- code and sentence of each, as it was told
