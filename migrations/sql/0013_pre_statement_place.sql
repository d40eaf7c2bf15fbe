-- Reading a statement goes on at a line that we know: another one in its place is another statement.
alter table bank_statement_cursors add column first_line bytea
    constraint bank_statement_cursors_hash check (length(first_line) = 32);  -- null: read it from its start
