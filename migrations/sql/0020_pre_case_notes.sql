-- What was found out after a case had been opened: a further, different contradiction of the bank.

create table case_notes (
    note_id            uuid primary key,               -- version 7: sorts by time
    case_id            uuid not null references cases (case_id),
    sentence           text not null,                  -- for the person who takes the case
    noted_by           text not null,
    noted_at           timestamptz not null,
    constraint case_notes_once unique (case_id, sentence)
);

grant select, insert on case_notes to fundline_app;    -- what was said stays said
