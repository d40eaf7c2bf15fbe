-- An address gets nothing but its confirmation until whoever named it has sent back the code that went there.
-- Additive: the previous release keeps running on it, and mails to whatever address it finds.
alter table notification_preferences
    add column email_confirmed text;                   -- the address that was confirmed; another one is not
update notification_preferences set email_confirmed = email_address; -- has been written to until now

create table email_codes (                             -- the last one of a subscriber counts; the others are counted
    code_id            uuid primary key,               -- version 7
    subscriber         text not null,
    address            text not null,
    digest             bytea not null,                 -- SHA-256 of subscriber, address and code
    sent_at            timestamptz not null,
    tries              integer not null default 0
);
create index email_codes_of_subscriber on email_codes (subscriber, code_id);
create index email_codes_of_address on email_codes (lower(address), sent_at);
create index email_codes_age on email_codes (sent_at);
grant select, insert, delete on email_codes to fundline_app;
grant update (tries) on email_codes to fundline_app;
