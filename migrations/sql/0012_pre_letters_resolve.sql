-- Owned by fundline_owner. Additive: the previous release keeps running on it.
-- A dead letter closes by itself once the records show that what its event was to bring about has happened.

alter table dead_letters drop constraint dead_letters_state_known;
alter table dead_letters add constraint dead_letters_state_known
    check (state in ('open', 'replay_requested', 'replayed', 'discarded', 'resolved'));
alter table dead_letters drop constraint dead_letters_settled_says_who;
alter table dead_letters add constraint dead_letters_settled_says_who
    check (state in ('open', 'replay_requested') or (settled_by is not null and settled_at is not null));
