-- Owned by fundline_owner. The previous release opens payments by this constraint: run this when it is gone.
-- From now on disbursements_one_current_per_application holds that an application is paid once.

alter table disbursements drop constraint disbursements_one_per_application;
create index disbursements_of_application on disbursements (application_id);
