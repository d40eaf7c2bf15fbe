-- Four eyes compare people, not spellings: the database holds it too. As domain/people.py; a spelling that only full
-- case folding makes equal (as of a sharp s) is held there alone.
create function person_key(subject text) returns text language sql immutable strict parallel safe
    return regexp_replace(lower(normalize(subject, NFKC)), '\s', '', 'g');
grant execute on function person_key(text) to fundline_app;

alter table disbursements add constraint disbursements_released_by_another_person
    check (person_key(released_by) <> person_key(approved_by)) not valid;
alter table ledger_transfers add constraint ledger_transfers_corrected_by_two_people
    check (person_key(requested_by) <> person_key(approved_by)) not valid;
alter table ledger_corrections add constraint ledger_corrections_decided_by_another_person
    check (state <> 'booked' or person_key(requested_by) <> person_key(decided_by)) not valid;
alter table dead_letters add constraint dead_letters_replayed_by_another_person
    check (state <> 'replayed' or not moves_money or person_key(requested_by) <> person_key(settled_by)) not valid;
-- `not valid`: rows of before stay as they are and what is written from now on is checked; no table is read for it.
