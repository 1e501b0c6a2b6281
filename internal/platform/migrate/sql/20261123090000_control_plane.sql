-- Control-plane tables: small, read before a tenant is known, and therefore without row security.
-- Their stores offer single look-ups, never lists across accounts.

-- +goose Up
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS btree_gin;

-- Facts about this installation as a whole: the epoch of the event order, the secret of the server role.
CREATE TABLE installation (
    key   text PRIMARY KEY,
    value text NOT NULL
);
INSERT INTO installation (key, value) VALUES ('epoch', gen_random_uuid()::text);

CREATE TABLE accounts (
    id               uuid PRIMARY KEY,
    version          bigint      NOT NULL DEFAULT 1,
    name             text        NOT NULL,
    country          text        NOT NULL DEFAULT 'FR',
    language         text        NOT NULL DEFAULT 'fr',
    time_zone        text        NOT NULL DEFAULT 'Europe/Paris',
    currency         text        NOT NULL DEFAULT 'EUR',
    require_if_match boolean     NOT NULL DEFAULT false,
    -- JSON Schemas for custom, by resource: {"lead": {...}, "contact": {...}}
    custom_schemas   jsonb       NOT NULL DEFAULT '{}',
    created_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL
);

-- A login e-mail is unique over the installation, since sign-in knows no account yet.
CREATE TABLE logins (
    email           text PRIMARY KEY, -- normalised
    account_id      uuid        NOT NULL REFERENCES accounts (id),
    user_id         uuid        NOT NULL,
    password_hash   text        NOT NULL,
    token_version   bigint      NOT NULL DEFAULT 1, -- raised to end every session of the user
    disabled_at     timestamptz,
    updated_at      timestamptz NOT NULL
);
CREATE UNIQUE INDEX logins_user_key ON logins (account_id, user_id);

-- Failed sign-ins by e-mail, whether or not there is such a login: an answer must not tell.
CREATE TABLE login_throttles (
    email_hash      bytea PRIMARY KEY, -- SHA-256 of the normalised e-mail
    failures        integer     NOT NULL,
    last_failure_at timestamptz NOT NULL,
    locked_until    timestamptz NOT NULL
);
CREATE INDEX login_throttles_old_idx ON login_throttles (last_failure_at);

CREATE TABLE partners (
    id              uuid PRIMARY KEY,
    name            text        NOT NULL,
    code            text        NOT NULL, -- short name in URLs and sources
    disabled_at     timestamptz,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    CONSTRAINT partners_code_key UNIQUE (code)
);

-- Whatever a caller presents, found by the SHA-256 of its secret: API keys, site keys, clients of machines and partners.
-- What the owner of the key sees of it (name, scopes, origins) is in api_keys, a tenant table.
CREATE TABLE credentials (
    id              uuid PRIMARY KEY,
    kind            text        NOT NULL CHECK (kind IN ('api_key', 'site_key', 'client', 'partner')),
    name            text        NOT NULL, -- shown in histories
    client_id       text, -- of client_credentials; null for keys
    secret_hash     bytea       NOT NULL,
    secret_hash_2   bytea, -- the second live secret during a rotation
    account_id      uuid REFERENCES accounts (id),
    partner_id      uuid REFERENCES partners (id),
    scopes          jsonb       NOT NULL DEFAULT '[]',
    dealership_ids  jsonb, -- null: all of the account
    origins         jsonb       NOT NULL DEFAULT '[]', -- of a site key
    rate_per_minute integer     NOT NULL DEFAULT 600,
    test            boolean     NOT NULL DEFAULT false,
    token_version   bigint      NOT NULL DEFAULT 1,
    expires_at      timestamptz,
    revoked_at      timestamptz,
    last_used_at    timestamptz,
    created_at      timestamptz NOT NULL,
    CONSTRAINT credentials_owner_check CHECK ((account_id IS NULL) <> (partner_id IS NULL))
);
CREATE UNIQUE INDEX credentials_secret_key ON credentials (secret_hash);
CREATE UNIQUE INDEX credentials_secret_2_key ON credentials (secret_hash_2) WHERE secret_hash_2 IS NOT NULL;
CREATE INDEX credentials_origins_idx ON credentials USING gin (origins) WHERE kind = 'site_key';
CREATE UNIQUE INDEX credentials_client_key ON credentials (client_id) WHERE client_id IS NOT NULL;

-- What a dealership allowed a partner, under the code by which the partner knows it.
CREATE TABLE grants (
    id            uuid PRIMARY KEY,
    version       bigint      NOT NULL DEFAULT 1,
    partner_id    uuid        NOT NULL REFERENCES partners (id),
    account_id    uuid        NOT NULL REFERENCES accounts (id),
    dealership_id uuid        NOT NULL,
    dealer_code   text        NOT NULL,
    scopes        jsonb       NOT NULL,
    expires_at    timestamptz,
    revoked_at    timestamptz,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL
);
CREATE UNIQUE INDEX grants_dealer_code_key ON grants (partner_id, dealer_code) WHERE revoked_at IS NULL;
CREATE INDEX grants_account_idx ON grants (account_id, created_at DESC, id DESC);
CREATE INDEX grants_partner_dealership_idx ON grants (partner_id, account_id, dealership_id);
-- What of them holds now; other contexts read this.
CREATE VIEW live_grants WITH (security_invoker = true) AS
    SELECT id, partner_id, account_id, dealership_id, dealer_code, scopes FROM grants
    WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now());

CREATE TABLE signing_keys (
    kid          text PRIMARY KEY,
    algorithm    text        NOT NULL,
    public_key   bytea       NOT NULL,
    wrapped_key  bytea       NOT NULL, -- sealed under the master key
    created_at   timestamptz NOT NULL,
    signs_from   timestamptz NOT NULL, -- published before it signs, so that caches know it
    retired_at   timestamptz           -- verifies until every token it signed has expired
);

CREATE TABLE refresh_tokens (
    token_hash      bytea PRIMARY KEY,
    family_id       uuid        NOT NULL,
    account_id      uuid        NOT NULL REFERENCES accounts (id),
    user_id         uuid        NOT NULL,
    token_version   bigint      NOT NULL, -- of the login when it was issued
    scope           text, -- what the session was narrowed to; null for all the user may do
    successor       bytea, -- the token that replaced it, sealed, so that a lost answer can be repeated within the grace time
    issued_at       timestamptz NOT NULL,
    idle_expires_at timestamptz NOT NULL,
    expires_at      timestamptz NOT NULL,
    used_at         timestamptz,
    revoked_at      timestamptz,
    user_agent      text        NOT NULL DEFAULT ''
);
CREATE INDEX refresh_tokens_family_idx ON refresh_tokens (family_id);
CREATE INDEX refresh_tokens_user_idx ON refresh_tokens (account_id, user_id);

-- Access tokens (by jti) and sessions (by family) that were revoked before they ended; kept until they would have.
CREATE TABLE revoked_tokens (
    id         uuid PRIMARY KEY,
    expires_at timestamptz NOT NULL
);
CREATE INDEX revoked_tokens_expires_idx ON revoked_tokens (expires_at);

-- The share of a credential's rate that the processes have leased in one window.
CREATE TABLE rate_windows (
    credential_id uuid        NOT NULL,
    window_start  timestamptz NOT NULL,
    used          bigint      NOT NULL,
    PRIMARY KEY (credential_id, window_start)
);

-- Background work of every kind is found here, then done inside its account. No personal data.
CREATE TABLE due_work (
    account_id uuid        NOT NULL,
    kind       text        NOT NULL,
    id         uuid        NOT NULL,
    due_at     timestamptz NOT NULL,
    attempts   integer     NOT NULL DEFAULT 0,
    PRIMARY KEY (account_id, kind, id)
);
CREATE INDEX due_work_due_idx ON due_work (due_at, kind);

GRANT SELECT, INSERT, UPDATE ON accounts, logins, partners, credentials, grants, signing_keys TO rooftop_app;
GRANT SELECT ON live_grants TO rooftop_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON refresh_tokens, revoked_tokens, login_throttles, rate_windows, due_work TO rooftop_app;
