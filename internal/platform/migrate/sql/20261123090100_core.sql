-- Tenant tables of core: dealerships, users and their roles, keys; and what every write shares: idempotency records.

-- +goose Up
CREATE TABLE dealerships (
    account_id    uuid        NOT NULL REFERENCES accounts (id),
    id            uuid        NOT NULL,
    version       bigint      NOT NULL DEFAULT 1,
    name          text        NOT NULL,
    legal_name    text        NOT NULL DEFAULT '',
    brands        jsonb       NOT NULL DEFAULT '[]',
    country       text        NOT NULL,
    time_zone     text        NOT NULL,
    address       jsonb       NOT NULL DEFAULT '{}',
    latitude      double precision,
    longitude     double precision,
    phone         text        NOT NULL DEFAULT '',
    email         text        NOT NULL DEFAULT '',
    website       text        NOT NULL DEFAULT '',
    is_default    boolean     NOT NULL DEFAULT false, -- takes leads that name no dealership
    -- [{"scheme": "...", "code": "..."}]; dealership_codes is where they are looked up
    codes         jsonb       NOT NULL DEFAULT '[]',
    external_refs jsonb       NOT NULL DEFAULT '[]',
    custom        jsonb       NOT NULL DEFAULT '{}',
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    deleted_at    timestamptz,
    PRIMARY KEY (account_id, id),
    CONSTRAINT dealerships_position_check CHECK (latitude BETWEEN -90 AND 90 AND longitude BETWEEN -180 AND 180)
);
CREATE INDEX dealerships_created_idx ON dealerships (account_id, created_at DESC, id DESC);
CREATE UNIQUE INDEX dealerships_default_key ON dealerships (account_id) WHERE is_default AND deleted_at IS NULL;

-- External dealer codes: (scheme, code) names one dealership of the account that is not deleted.
CREATE TABLE dealership_codes (
    account_id    uuid NOT NULL,
    scheme        text NOT NULL,
    code          text NOT NULL,
    dealership_id uuid NOT NULL,
    CONSTRAINT dealership_codes_key PRIMARY KEY (account_id, scheme, code),
    FOREIGN KEY (account_id, dealership_id) REFERENCES dealerships (account_id, id) ON DELETE CASCADE
);
CREATE INDEX dealership_codes_dealership_idx ON dealership_codes (account_id, dealership_id);

CREATE TABLE dealership_refs (
    account_id    uuid NOT NULL,
    source        text NOT NULL,
    external_id   text NOT NULL,
    dealership_id uuid NOT NULL,
    CONSTRAINT dealership_refs_key PRIMARY KEY (account_id, source, external_id),
    FOREIGN KEY (account_id, dealership_id) REFERENCES dealerships (account_id, id) ON DELETE CASCADE
);

CREATE INDEX dealership_refs_dealership_idx ON dealership_refs (account_id, dealership_id);

CREATE TABLE users (
    account_id uuid        NOT NULL REFERENCES accounts (id),
    id         uuid        NOT NULL,
    version    bigint      NOT NULL DEFAULT 1,
    email      text        NOT NULL,
    first_name text        NOT NULL DEFAULT '',
    last_name  text        NOT NULL DEFAULT '',
    language   text        NOT NULL DEFAULT 'fr',
    -- [{"role": "manager", "dealership_id": null}]: null means the whole account
    roles      jsonb       NOT NULL DEFAULT '[]',
    disabled_at timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    PRIMARY KEY (account_id, id),
    CONSTRAINT users_email_key UNIQUE (account_id, email)
);
CREATE INDEX users_created_idx ON users (account_id, created_at DESC, id DESC);

-- What an account sees of its keys. The secret's hash is in credentials.
CREATE TABLE api_keys (
    account_id      uuid        NOT NULL REFERENCES accounts (id),
    id              uuid        NOT NULL, -- the credential's id
    version         bigint      NOT NULL DEFAULT 1,
    kind            text        NOT NULL CHECK (kind IN ('api_key', 'site_key', 'client')),
    name            text        NOT NULL,
    prefix          text        NOT NULL, -- the first characters, to recognise a key
    next_prefix     text        NOT NULL DEFAULT '', -- of the second live secret during a rotation
    client_id       text        NOT NULL DEFAULT '',
    scopes          jsonb       NOT NULL DEFAULT '[]',
    dealership_ids  jsonb, -- null: all of the account
    origins         jsonb       NOT NULL DEFAULT '[]',
    rate_per_minute integer     NOT NULL,
    test            boolean     NOT NULL DEFAULT false,
    created_by      uuid,
    expires_at      timestamptz,
    revoked_at      timestamptz,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    PRIMARY KEY (account_id, id)
);
CREATE INDEX api_keys_created_idx ON api_keys (account_id, created_at DESC, id DESC);

-- The answer of a write, kept with the write, so that a retry gets the same answer byte for byte.
CREATE TABLE idempotency_keys (
    account_id       uuid        NOT NULL REFERENCES accounts (id),
    credential_id    uuid        NOT NULL,
    key              text        NOT NULL,
    fingerprint      bytea       NOT NULL, -- SHA-256 of method, path, sorted query and body
    status           integer     NOT NULL,
    headers          jsonb       NOT NULL,
    body             bytea       NOT NULL,
    created_at       timestamptz NOT NULL,
    last_replayed_at timestamptz,
    CONSTRAINT idempotency_keys_key PRIMARY KEY (account_id, credential_id, key)
);
CREATE INDEX idempotency_keys_created_idx ON idempotency_keys (account_id, created_at);

-- +goose StatementBegin
DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['dealerships', 'dealership_codes', 'dealership_refs', 'users', 'api_keys', 'idempotency_keys'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format($p$CREATE POLICY account ON %I USING (account_id = (SELECT nullif(current_setting('app.account_id', true), '')::uuid))$p$, t);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO rooftop_app', t);
    END LOOP;
END $$;
-- +goose StatementEnd
