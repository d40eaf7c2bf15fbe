-- Owned by fundline_owner. Additive: the previous release keeps running on it.
-- A payment that waits for a second person can be refused: it ends without ever having been sent.

alter table disbursements
    drop constraint disbursements_above_the_limit_wait,
    add constraint disbursements_above_the_limit_wait check
        (not needs_release or released_by is not null or state in ('expected', 'requested', 'failed')),
    add constraint disbursements_refused_were_never_sent check
        (failure_code is distinct from 'release_refused' or (state = 'failed' and submitted_at is null and released_by is null));
