-- Second factors of users (RFC 6238) and the codes that stand in for a lost one.

-- +goose Up
ALTER TABLE accounts ADD COLUMN require_second_factor boolean NOT NULL DEFAULT false;

ALTER TABLE users
    ADD COLUMN second_factor_at timestamptz, -- since when the user has one
    ADD COLUMN invited_at       timestamptz; -- of the invitation that is open

CREATE TABLE second_factors (
    account_id   uuid        NOT NULL,
    user_id      uuid        NOT NULL,
    secret       bytea       NOT NULL, -- sealed under the master key
    last_step    bigint      NOT NULL DEFAULT 0, -- the last time step whose code was taken: it is not taken again
    created_at   timestamptz NOT NULL,
    confirmed_at timestamptz, -- null until a code proved that the user has it
    PRIMARY KEY (account_id, user_id),
    CONSTRAINT second_factors_user_fkey FOREIGN KEY (account_id, user_id) REFERENCES users (account_id, id)
);

CREATE TABLE recovery_codes (
    account_id uuid  NOT NULL,
    user_id    uuid  NOT NULL,
    code_hash  bytea NOT NULL, -- SHA-256; a code has 80 random bits
    used_at    timestamptz,
    PRIMARY KEY (account_id, user_id, code_hash),
    FOREIGN KEY (account_id, user_id) REFERENCES second_factors (account_id, user_id) ON DELETE CASCADE
);

-- +goose StatementBegin
DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['second_factors', 'recovery_codes'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format($p$CREATE POLICY account ON %I USING (account_id = (SELECT nullif(current_setting('app.account_id', true), '')::uuid))$p$, t);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO rooftop_app', t);
    END LOOP;
END $$;
-- +goose StatementEnd
