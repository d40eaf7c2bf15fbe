-- Owned by fundline_owner. Additive: the previous release keeps running on it.

select 1;
