-- Secret links: whoever holds the token may do one thing, for a while. They are opened before an account is known, hence
-- no row security. No personal data.

-- +goose Up
CREATE TABLE secret_links (
    token_hash bytea PRIMARY KEY, -- SHA-256 of the token; the token itself is shown once and not kept
    id         uuid        NOT NULL,
    account_id uuid        NOT NULL REFERENCES accounts (id),
    purpose    text        NOT NULL,
    subject_id uuid        NOT NULL, -- of the user, file, booking … that the purpose is about
    single_use boolean     NOT NULL,
    created_by uuid, -- as in events: the user, partner or credential; null for the system
    created_at timestamptz NOT NULL,
    expires_at timestamptz, -- null: until it is revoked
    used_at    timestamptz,
    revoked_at timestamptz
);
CREATE UNIQUE INDEX secret_links_id_key ON secret_links (account_id, id);
CREATE INDEX secret_links_subject_idx ON secret_links (account_id, purpose, subject_id, created_at DESC, id DESC);
CREATE INDEX secret_links_ended_idx ON secret_links (least(revoked_at, expires_at));

GRANT SELECT, INSERT, UPDATE, DELETE ON secret_links TO rooftop_app;
