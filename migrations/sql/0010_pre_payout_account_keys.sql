-- Owned by fundline_owner. Additive: the previous release keeps running on it.

alter table applications add column payout_index bytea;
    -- blind index: half an HMAC-SHA256 of the account under a key of its own, so that an account can be looked up and
    -- not be read; null in rows older than this migration, until `fundline account-key rotate` has passed over them
create index applications_of_payout_account on applications (payout_index) where payout_index is not null;

-- What was applied for never changes: amount, currency and applicant are what a payment and its four eyes rest on.
revoke update on applications from fundline_app;
grant update (status, status_sequence, updated_at, payout_account, payout_index) on applications to fundline_app;
