-- A history is what an applicant is shown: it never runs backwards, whatever the clock of the instance that wrote it.
-- casefile/status.py sees to it under the application's row lock; this holds it for whoever else writes. One look-up
-- by the primary key per change; the first entry, which is on the way of a submission, pays nothing.

create function refuse_history_that_runs_backwards() returns trigger language plpgsql as $$
begin
    if exists (
        select from application_status_history
        where application_id = new.application_id and sequence = new.sequence - 1 and occurred_at > new.occurred_at
    ) then
        raise exception 'entry % of application % is earlier than the one before it', new.sequence, new.application_id
            using errcode = 'check_violation', table = tg_table_name,
                  constraint = 'application_status_history_never_runs_backwards';
    end if;
    return new;
end
$$;
create trigger application_status_history_never_runs_backwards before insert on application_status_history
    for each row when (new.sequence > 1) execute function refuse_history_that_runs_backwards();
